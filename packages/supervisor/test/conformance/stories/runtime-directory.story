--- a.service
[Service]
RuntimeDirectory=@dir
ExecStart=/bin/sh -c 'test -d /run/@dir && exec sleep 600'
--- steps
start a
stop a
until dead
