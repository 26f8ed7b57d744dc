--- a.service
[Service]
Type=exec
User=no-such-user
ExecStart=/bin/sleep 600
--- steps
start a
until failed
