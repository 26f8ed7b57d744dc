--- a.service
[Service]
Type=exec
ExecStart=/bin/false
--- steps
start a
until failed
