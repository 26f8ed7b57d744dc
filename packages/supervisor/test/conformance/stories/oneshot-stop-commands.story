--- a.service
[Service]
Type=oneshot
ExecStart=/bin/true
ExecStop=/bin/true
ExecStopPost=/bin/true
--- steps
start a
until dead
