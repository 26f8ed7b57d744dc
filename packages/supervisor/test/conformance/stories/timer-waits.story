--- a.timer
[Timer]
OnCalendar=2099-01-01
Unit=@b.service
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a.timer
stop a.timer
until dead
