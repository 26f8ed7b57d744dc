import { parseInteger } from "./scalars.js";

/** Names of exit statuses (systemd.exec(5), "Process Exit Codes"): libc, LSB, BSD, systemd's own. */
const NAMES: readonly (readonly [first: number, names: string])[] = [
  [0, "SUCCESS FAILURE INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED"],
  [7, "NOTRUNNING"],
  [64, "USAGE DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR"],
  [75, "TEMPFAIL PROTOCOL NOPERM CONFIG"],
  [200, "CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO"],
  [212, "TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID"],
  [221, "CONFIRM STDERR"],
  [224, "PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR"],
  [232, "ADDRESS_FAMILIES RUNTIME_DIRECTORY"],
  [235, "CHOWN SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY"],
  [241, "CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF"],
  [255, "EXCEPTION"],
];

const CODES: ReadonlyMap<string, number> = new Map(
  NAMES.flatMap(([first, names]) =>
    names.split(" ").map((name, index) => [name, first + index] as const),
  ),
);

/** The exit status of a name such as `TEMPFAIL`, or of a number from 0 to 255. */
export function parseExitStatus(text: string): number | undefined {
  return parseInteger(text, 0, 255) ?? CODES.get(text);
}

/** The name of an exit status, where it has one. */
export function exitStatusName(code: number): string | undefined {
  for (const [name, value] of CODES) if (value === code) return name;
  return undefined;
}
