--- a.service
[Unit]
StartLimitBurst=2
[Service]
Restart=always
RestartSec=50ms
ExecStart=/bin/true
--- steps
start a
until failed
