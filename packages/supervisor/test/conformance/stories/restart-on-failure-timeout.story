--- a.service
[Service]
Restart=on-failure
RestartSec=1h
TimeoutStartSec=200ms
Type=notify
ExecStart=/bin/sleep 600
--- steps
start a
until auto-restart
