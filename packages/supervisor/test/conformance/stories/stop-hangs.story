--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStop=/bin/sleep 600
TimeoutStopSec=700ms
--- steps
start a
stop a
until failed
