--- a.service
[Service]
SuccessExitStatus=3
ExecStart=/bin/sh -c 'exit 3'
--- steps
start a
until dead
