--- a.service
[Unit]
Conflicts=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
start b
until dead
