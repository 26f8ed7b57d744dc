--- a.service
[Service]
ExecStart=/bin/sleep 600
ExecStop=/does/not/exist
--- steps
start a
stop a
until failed
