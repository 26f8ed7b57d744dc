--- a.service
[Service]
ExecStart=/usr/bin/perl -e 'use POSIX; $SIG{TERM}="IGNORE"; sleep 1 while 1'
ExecStartPost=/bin/sleep 0.3
TimeoutStopSec=700ms
--- steps
start a
stop a
until failed
