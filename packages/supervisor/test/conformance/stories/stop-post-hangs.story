--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStopPost=/bin/sleep 600
TimeoutStopSec=700ms
--- steps
start a
stop a
until failed
