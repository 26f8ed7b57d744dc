--- a.service
[Service]
ExecStart=/bin/sh -c 'exit 3'
--- steps
start a
until failed
