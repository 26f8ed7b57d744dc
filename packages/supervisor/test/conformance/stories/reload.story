--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecReload=/bin/true
--- steps
start a
reload a
stop a
until dead
