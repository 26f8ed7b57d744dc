--- a.path
[Path]
PathExists=/absent
Unit=@b.service
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a.path
stop a.path
until dead
