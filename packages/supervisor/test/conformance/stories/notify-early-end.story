--- a.service
[Service]
Type=notify
ExecStart=/bin/true
--- steps
start a
until failed
