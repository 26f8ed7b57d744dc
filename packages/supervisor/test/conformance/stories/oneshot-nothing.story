--- a.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=/bin/true
--- steps
start a
stop a
until dead
