--- a.service
[Service]
Type=exec
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
