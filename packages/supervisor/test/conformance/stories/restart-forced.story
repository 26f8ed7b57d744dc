--- a.service
[Service]
RestartForceExitStatus=3
RestartSec=1h
ExecStart=/bin/sh -c 'exit 3'
--- steps
start a
until auto-restart
