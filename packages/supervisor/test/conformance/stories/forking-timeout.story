--- a.service
[Service]
Type=forking
TimeoutStartSec=200ms
ExecStart=/bin/sleep 600
--- steps
start a
until failed
