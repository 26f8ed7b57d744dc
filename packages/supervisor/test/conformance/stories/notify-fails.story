--- a.service
[Service]
Type=notify
ExecStart=/bin/false
--- steps
start a
until failed
