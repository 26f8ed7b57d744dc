--- a.service
[Service]
TimeoutStartSec=200ms
ExecCondition=/bin/sleep 600
ExecStart=/bin/sleep 600
--- steps
start a
until failed
