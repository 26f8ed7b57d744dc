--- a.service
[Unit]
Upholds=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start a
kill b
until running
