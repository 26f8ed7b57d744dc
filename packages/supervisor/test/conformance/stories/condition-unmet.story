--- a.service
[Unit]
ConditionPathExists=/absent
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
until dead
