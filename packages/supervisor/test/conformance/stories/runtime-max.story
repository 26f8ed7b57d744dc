--- a.service
[Service]
RuntimeMaxSec=200ms
ExecStart=/bin/sleep 600
--- steps
start a
until failed
