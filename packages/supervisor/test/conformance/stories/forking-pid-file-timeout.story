--- a.service
[Service]
Type=forking
PIDFile=/tmp/flotilla-@pid
TimeoutStartSec=3
ExecStart=/bin/sh -c 'sleep 600 &'
--- steps
start a
until failed
