--- a.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
restart a
until running
