--- a.service
[Unit]
OnFailure=@b.service
[Service]
Type=oneshot
ExecStart=/bin/false
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until failed
