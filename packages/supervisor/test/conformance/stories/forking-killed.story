--- a.service
[Service]
Type=forking
PIDFile=/tmp/flotilla-@pid
ExecStart=/bin/sh -c 'sleep 600 & echo $! > /tmp/flotilla-@pid'
--- steps
start a
kill a
until failed
