--- a.path
[Path]
DirectoryNotEmpty=/tmp/flotilla-@made
MakeDirectory=yes
Unit=@b.service
--- b.service
[Service]
Type=oneshot
ExecStart=/bin/rm /tmp/flotilla-@made/x
--- c.service
[Service]
Type=oneshot
ExecStart=/bin/touch /tmp/flotilla-@made/x
--- steps
start a.path
start c
until waiting
