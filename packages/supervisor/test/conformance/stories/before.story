--- a.service
[Unit]
Wants=@b.service
Before=@b.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
