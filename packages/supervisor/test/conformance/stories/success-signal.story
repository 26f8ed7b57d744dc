--- a.service
[Service]
SuccessExitStatus=SIGKILL
ExecStart=/bin/sleep 600
--- steps
start a
kill a
until dead
