--- a.service
[Service]
Type=idle
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
