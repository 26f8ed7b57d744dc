--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStopPost=/bin/false
--- steps
start a
stop a
until failed
