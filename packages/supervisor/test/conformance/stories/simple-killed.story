--- a.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
kill a
until failed
