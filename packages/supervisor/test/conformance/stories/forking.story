--- a.service
[Service]
Type=forking
ExecStart=/bin/sh -c 'sleep 600 &'
--- steps
start a
stop a
until dead
