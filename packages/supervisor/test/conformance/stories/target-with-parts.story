--- a.target
[Unit]
Wants=@b.service
--- b.service
[Unit]
PartOf=@a.target
[Service]
ExecStart=/bin/sleep 600
--- steps
start a.target
stop a.target
until dead
