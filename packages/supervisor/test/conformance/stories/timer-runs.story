--- a.timer
[Timer]
OnActiveSec=100ms
AccuracySec=1us
Unit=@b.service
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a.timer
until running
