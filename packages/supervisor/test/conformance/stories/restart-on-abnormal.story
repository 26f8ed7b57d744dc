--- a.service
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=on-abnormal
RestartSec=50ms
ExecStart=/bin/sleep 600
--- steps
start a
kill a
until running
