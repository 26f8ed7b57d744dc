--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStop=/bin/true
ExecStop=/bin/true
--- steps
start a
stop a
until dead
