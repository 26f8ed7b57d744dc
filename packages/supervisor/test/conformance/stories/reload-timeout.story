--- a.service
[Service]
TimeoutStartSec=300ms
ExecStart=/bin/sleep 600
ExecReload=/bin/sleep 600
--- steps
start a
reload a
until running
