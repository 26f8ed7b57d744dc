--- a.service
[Service]
ExecStartPre=/bin/false
ExecStart=/bin/sleep 600
ExecStopPost=/bin/true
--- steps
start a
until failed
