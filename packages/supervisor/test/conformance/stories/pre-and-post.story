--- a.service
[Service]
ExecStartPre=/bin/true
ExecStartPre=/bin/true
ExecStart=/bin/sleep 600
ExecStartPost=/bin/true
--- steps
start a
stop a
until dead
