--- a.service
[Service]
Type=forking
ExecStart=/bin/false
--- steps
start a
until failed
