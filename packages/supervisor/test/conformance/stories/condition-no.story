--- a.service
[Service]
ExecCondition=/bin/false
ExecStart=/bin/sleep 600
--- steps
start a
until dead
