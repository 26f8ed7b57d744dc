--- a.service
[Unit]
Requisite=@b.service
After=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until dead
