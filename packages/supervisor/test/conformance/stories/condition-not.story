--- a.service
[Unit]
ConditionPathIsDirectory=!/usr
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until dead
