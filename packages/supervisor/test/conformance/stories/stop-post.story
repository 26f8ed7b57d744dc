--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStopPost=/bin/true
--- steps
start a
stop a
until dead
