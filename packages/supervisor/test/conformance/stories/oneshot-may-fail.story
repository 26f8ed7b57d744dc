--- a.service
[Service]
Type=oneshot
ExecStart=-/bin/false
ExecStart=/bin/true
--- steps
start a
until dead
