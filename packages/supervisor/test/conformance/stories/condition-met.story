--- a.service
[Unit]
ConditionPathExists=/usr
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
