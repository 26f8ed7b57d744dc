--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStop=-/bin/false
--- steps
start a
stop a
until dead
