--- a.service
[Service]
ExecStart=/bin/true
--- steps
start a
until dead
