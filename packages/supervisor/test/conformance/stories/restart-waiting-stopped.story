--- a.service
[Service]
Restart=always
RestartSec=1h
ExecStart=/bin/sleep 0.2
--- steps
start a
until auto-restart
