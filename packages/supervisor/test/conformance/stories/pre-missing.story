--- a.service
[Service]
ExecStartPre=/does/not/exist
ExecStart=/bin/sleep 600
--- steps
start a
until failed
