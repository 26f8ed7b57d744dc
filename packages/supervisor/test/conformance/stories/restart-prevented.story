--- a.service
[Service]
Restart=always
RestartPreventExitStatus=3
ExecStart=/bin/sh -c 'exit 3'
--- steps
start a
until failed
