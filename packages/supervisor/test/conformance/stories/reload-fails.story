--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecReload=/bin/false
--- steps
start a
reload a
stop a
until dead
