--- a.service
[Unit]
Requires=@b.service
After=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
Type=oneshot
ExecStart=/bin/true
--- steps
start a
until running
