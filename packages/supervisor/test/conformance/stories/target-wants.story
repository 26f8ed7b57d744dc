--- a.target
[Unit]
Wants=@b.service
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a.target
stop b
until active
