--- a.service
[Service]
TimeoutStartSec=200ms
ExecStart=/bin/sleep 600
ExecStartPost=/bin/sleep 600
--- steps
start a
until failed
