--- a.service
[Service]
ExecCondition=/bin/sh -c 'exit 255'
ExecStart=/bin/sleep 600
--- steps
start a
until failed
