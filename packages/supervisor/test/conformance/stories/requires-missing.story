--- a.service
[Unit]
Requires=@nothing.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until dead
