--- a.service
[Unit]
Wants=@nothing.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until running
