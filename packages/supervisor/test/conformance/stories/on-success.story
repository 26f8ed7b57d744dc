--- a.service
[Unit]
OnSuccess=@b.service
[Service]
Type=oneshot
ExecStart=/bin/true
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until dead
