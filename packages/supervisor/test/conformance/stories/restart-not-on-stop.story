--- a.service
[Service]
Restart=always
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
