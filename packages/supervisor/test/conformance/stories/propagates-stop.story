--- a.service
[Unit]
PropagatesStopTo=@b.service
[Service]
ExecStart=/bin/sleep 600
--- b.service
[Service]
ExecStart=/bin/sleep 600
--- steps
start b
start a
stop a
until dead
