--- a.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/false
--- steps
start a
until failed
