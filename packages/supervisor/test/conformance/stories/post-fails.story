--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStartPost=/bin/false
--- steps
start a
until failed
