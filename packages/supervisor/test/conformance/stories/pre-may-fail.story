--- a.service
[Service]
ExecStartPre=-/bin/false
ExecStart=/bin/sleep 600
--- steps
start a
until running
