--- a.service
[Service]
WorkingDirectory=/absent
ExecStart=/bin/true
--- steps
start a
until failed
