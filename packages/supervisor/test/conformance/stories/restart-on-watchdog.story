--- a.service
[Service]
WatchdogSec=200ms
Restart=on-watchdog
RestartSec=1h
ExecStart=/bin/sleep 600
--- steps
start a
until auto-restart
