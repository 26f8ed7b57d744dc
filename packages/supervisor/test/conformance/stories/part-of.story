--- a.service
[Unit]
PartOf=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
start b
stop b
until dead
