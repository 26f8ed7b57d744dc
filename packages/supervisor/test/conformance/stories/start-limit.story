--- a.service
[Unit]
StartLimitBurst=2
[Service]
Restart=on-failure
RestartSec=50ms
ExecStart=/bin/false
--- steps
start a
until failed
