--- a.service
[Service]
ExecStart=/bin/true
RemainAfterExit=yes
--- steps
start a
until exited
