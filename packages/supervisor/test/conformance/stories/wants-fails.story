--- a.service
[Unit]
Wants=@b.service
After=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
Type=oneshot
ExecStart=/bin/false
--- steps
start a
until running
