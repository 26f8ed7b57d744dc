--- a.service
[Service]
Restart=on-abnormal
Type=oneshot
ExecStart=/bin/false
--- steps
start a
until failed
