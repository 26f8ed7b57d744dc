--- a.service
[Service]
Type=exec
WorkingDirectory=/absent
ExecStart=/bin/sleep 600
--- steps
start a
until failed
