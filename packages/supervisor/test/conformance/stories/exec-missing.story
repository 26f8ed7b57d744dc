--- a.service
[Service]
Type=exec
ExecStart=/does/not/exist
--- steps
start a
until failed
