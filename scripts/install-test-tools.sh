#!/bin/sh
# Installs the Debian programs that tests compare with, where that can be done: as root, with apt-get.
# Elsewhere the tests that need them say so and are skipped.
set -u
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need etcdctl etcd-client
need etcd etcd-server
need crun crun
need busybox busybox-static
need systemd-analyze systemd
need dig dnsutils
need ps procps
need dbus-daemon dbus
need h2load nghttp2-client
need openssl openssl
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "not installed, so some tests are skipped:$missing"
  exit 0
fi
echo "installing what tests compare with:$missing"
export DEBIAN_FRONTEND=noninteractive
# The tests start their own etcd; the package must not start one. Removed again whatever happens.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
  echo "could not install them: the tests that need them are skipped"
