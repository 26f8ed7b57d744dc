--- a.service
[Service]
KillMode=mixed
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
