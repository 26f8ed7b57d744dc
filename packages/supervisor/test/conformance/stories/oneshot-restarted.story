--- a.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
--- steps
start a
restart a
until exited
