--- a.service
[Service]
KillSignal=SIGINT
ExecStart=/bin/sleep 600
--- steps
start a
stop a
until dead
