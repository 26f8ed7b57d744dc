--- a.service
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 600'
--- steps
start a
stop a
until dead
