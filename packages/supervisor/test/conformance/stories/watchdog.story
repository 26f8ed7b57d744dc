--- a.service
[Service]
WatchdogSec=200ms
ExecStart=/bin/sleep 600
--- steps
start a
until failed
