--- a.service
[Service]
SendSIGHUP=yes
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
