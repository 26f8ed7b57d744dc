--- a.service
[Service]
Type=oneshot
Restart=on-failure
RestartSec=1h
ExecStart=/bin/false
--- steps
start a
stop a
until dead
