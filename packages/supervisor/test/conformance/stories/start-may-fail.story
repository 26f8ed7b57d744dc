--- a.service
[Service]
ExecStart=-/bin/false
--- steps
start a
until dead
