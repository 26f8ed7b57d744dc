--- a.service
[Service]
EnvironmentFile=/absent
ExecStart=/bin/true
--- steps
start a
until failed
