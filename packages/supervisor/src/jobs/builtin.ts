/**
 * Targets of systemd.special(7) that a machine has reached by the time a supervisor runs. They count
 * as active and take part in no transaction, unless a unit of that name is loaded.
 */
export const BUILTIN_TARGETS: ReadonlySet<string> = new Set([
  "basic.target",
  "cryptsetup.target",
  "default.target",
  "getty.target",
  "graphical.target",
  "local-fs.target",
  "local-fs-pre.target",
  "machines.target",
  "multi-user.target",
  "network.target",
  "network-online.target",
  "network-pre.target",
  "nss-lookup.target",
  "nss-user-lookup.target",
  "paths.target",
  "remote-fs.target",
  "remote-fs-pre.target",
  "rpcbind.target",
  "slices.target",
  "sockets.target",
  "swap.target",
  "sysinit.target",
  "time-set.target",
  "time-sync.target",
  "timers.target",
]);
