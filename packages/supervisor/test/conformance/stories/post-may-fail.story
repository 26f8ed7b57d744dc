--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStartPost=-/bin/false
--- steps
start a
stop a
until dead
