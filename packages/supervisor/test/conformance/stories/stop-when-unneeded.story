--- a.service
[Unit]
Requires=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Unit]
StopWhenUnneeded=yes
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
