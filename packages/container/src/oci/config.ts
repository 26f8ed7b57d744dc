import { environmentEntries } from "../process/settings.js";
import type { ProcessSpec } from "../runtime.js";
import { SECCOMP } from "./seccomp.js";
import type { Identity } from "./users.js";

/** Where the directory with the notify socket is in a container: on its own /dev, not in its root. */
export const NOTIFY_MOUNT = "/dev/flotilla";

/** `runc spec`'s; everything else is dropped. */
const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const SAFE = ["nosuid", "noexec", "nodev"];

const MOUNTS = [
  { destination: "/proc", type: "proc", source: "proc", options: SAFE },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: [...SAFE, "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: SAFE },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: [...SAFE, "ro"] },
];

const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
  // No cgroup file system: a release_agent (CVE-2022-0492) is out of reach.
  "/sys/fs/cgroup",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** What a bundle is made of. */
export interface BundleSpec {
  readonly process: ProcessSpec;
  /** On the host, without symbolic links. */
  readonly root: string;
  readonly identity: Identity;
  readonly hostname: string;
  /** The directory of the notify socket on the host. */
  readonly notifyDirectory: string | undefined;
  /** Only for runc, which insists on a cgroup of its own. */
  readonly cgroupsPath: string | undefined;
}

/**
 * The `config.json` of a bundle (OCI runtime specification 1.0): namespaces for everything but the
 * network, which is the host's, since units serve ports there.
 */
export function bundleConfig(bundle: BundleSpec): object {
  const { process, identity } = bundle;
  const notify =
    bundle.notifyDirectory === undefined
      ? []
      : [
          {
            destination: NOTIFY_MOUNT,
            type: "bind",
            source: bundle.notifyDirectory,
            options: ["bind", ...SAFE],
          },
        ];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: {
        uid: identity.uid,
        gid: identity.gid,
        umask: process.umask ?? 0o022,
        additionalGids: identity.additionalGids,
      },
      args: processArguments(process),
      env: withPath(environmentEntries(process)),
      cwd: process.workingDirectory ?? "/",
      capabilities: {
        bounding: CAPABILITIES,
        effective: CAPABILITIES,
        permitted: CAPABILITIES,
        inheritable: [],
        ambient: [],
      },
      noNewPrivileges: true,
    },
    root: { path: bundle.root, readonly: false },
    hostname: bundle.hostname,
    mounts: [...MOUNTS, ...notify],
    linux: {
      namespaces: ["pid", "mount", "ipc", "uts", "cgroup"].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: "rwm" }] },
      seccomp: SECCOMP,
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
      ...(bundle.cgroupsPath === undefined ? {} : { cgroupsPath: bundle.cgroupsPath }),
    },
  };
}

/** A container's argv[0] is also what is executed: the two cannot differ there. */
function processArguments(spec: ProcessSpec): string[] {
  return [spec.path, ...spec.argv.slice(1)];
}

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The runtimes look commands up in the container's PATH only. */
function withPath(environment: string[]): string[] {
  return environment.some((entry) => entry.startsWith("PATH="))
    ? environment
    : [DEFAULT_PATH, ...environment];
}
