--- a.service
[Service]
Type=oneshot
ExecStart=/bin/true
ExecStart=/bin/true
--- steps
start a
until dead
