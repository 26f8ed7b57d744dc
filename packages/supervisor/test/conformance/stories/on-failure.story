--- a.service
[Unit]
OnFailure=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
kill a
until failed
