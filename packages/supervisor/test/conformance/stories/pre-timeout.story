--- a.service
[Service]
TimeoutStartSec=200ms
ExecStartPre=/bin/sleep 600
ExecStart=/bin/sleep 600
--- steps
start a
until failed
