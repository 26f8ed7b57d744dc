#!/bin/sh
# Makes a root file system of nothing but busybox: sh make-root.sh DIRECTORY
set -eu

root=${1:?usage: make-root.sh DIRECTORY}
busybox=${BUSYBOX:-/bin/busybox}
[ -x "$busybox" ] || { echo "no $busybox: install Debian's busybox-static" >&2; exit 1; }

# The directory itself is the container's "/": its user must get in.
install -d -m 755 "$root" "$root/bin" "$root/etc" "$root/www"
install -m 755 "$busybox" "$root/bin/busybox"
chroot "$root" /bin/busybox --install -s /bin

# User= is looked up here, not on the host.
printf 'root:x:0:0::/:/bin/sh\nweb:x:1000:1000::/www:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nweb:x:1000:\n' >"$root/etc/group"
echo 'hello from a container' >"$root/www/index.html"
