--- a.path
[Path]
PathExists=/usr
Unit=@b.service
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a.path
until running
