--- a.service
[Unit]
ConditionPathExists=|/absent
ConditionPathExists=|/usr
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
