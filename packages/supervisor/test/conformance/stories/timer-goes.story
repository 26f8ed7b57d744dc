--- a.timer
[Timer]
OnActiveSec=100ms
AccuracySec=1us
RemainAfterElapse=no
Unit=@b.service
--- b.service
[Service]
Type=oneshot
ExecStart=/bin/true
--- steps
start a.timer
until dead
