--- a.service
[Service]
Type=oneshot
ExecStart=/bin/true
ExecStart=/bin/false
ExecStart=/bin/true
--- steps
start a
until failed
