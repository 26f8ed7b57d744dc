--- a.service
[Service]
Type=oneshot
ExecStart=/bin/false
ExecStopPost=/bin/true
--- steps
start a
until failed
