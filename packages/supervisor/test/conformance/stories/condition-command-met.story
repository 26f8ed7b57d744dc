--- a.service
[Service]
ExecCondition=/bin/true
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
