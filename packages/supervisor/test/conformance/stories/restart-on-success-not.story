--- a.service
[Service]
Restart=on-success
ExecStart=/bin/false
--- steps
start a
until failed
