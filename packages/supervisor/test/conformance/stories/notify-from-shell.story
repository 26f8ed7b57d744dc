--- a.service
[Service]
Type=notify
TimeoutStartSec=500ms
ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 600'
--- steps
start a
until running
