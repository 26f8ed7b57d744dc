import { ContainerError } from "../errors.js";
import type { ProcessSpec } from "../runtime.js";

/** Numbers of the resource limits on x86-64, arm64 and riscv64; see getrlimit(2). */
const RESOURCES: Readonly<Record<string, number>> = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
};

const RLIM_INFINITY = "18446744073709551615";

/** The helper's `exec` settings for a bare process. Throws "invalid-argument". */
export function processSettings(spec: ProcessSpec): string[] {
  const settings: string[] = ["path", spec.path];
  for (const argument of spec.argv) settings.push("arg", argument);
  for (const entry of environmentEntries(spec)) settings.push("env", entry);
  const optional: [string, string | undefined][] = [
    ["cwd", spec.workingDirectory],
    ["user", spec.user],
    ["group", spec.group],
    ["umask", spec.umask?.toString()],
    ["nice", spec.nice?.toString()],
    ["tag", spec.tag],
  ];
  for (const [key, value] of optional) if (value !== undefined) settings.push(key, value);
  for (const group of spec.supplementaryGroups ?? []) settings.push("supplementary", group);
  for (const listener of spec.listeners ?? []) settings.push("fd", listener);
  for (const limit of limitSettings(spec)) settings.push("rlimit", limit);
  checkStrings(settings);
  return settings;
}

/** `NAME=value` pairs; refuses names that no environment can hold. */
export function environmentEntries(spec: ProcessSpec): string[] {
  return Object.entries(spec.environment).map(([name, value]) => {
    if (name === "" || name.includes("=")) {
      throw new ContainerError("invalid-argument", `environment name ${JSON.stringify(name)}`);
    }
    return `${name}=${value}`;
  });
}

/** `number:soft:hard`; names are taken with and without `RLIMIT_` or systemd's `Limit`. */
function limitSettings(spec: ProcessSpec): string[] {
  return Object.entries(spec.limits ?? {}).map(([name, { soft, hard }]) => {
    const number = RESOURCES[name.toUpperCase().replace(/^(?:RLIMIT_|LIMIT)/, "")];
    if (number === undefined) {
      throw new ContainerError("invalid-argument", `resource limit ${name} is not known`);
    }
    return `${number}:${limitValue(name, soft)}:${limitValue(name, hard)}`;
  });
}

function limitValue(name: string, value: number): string {
  if (value === Number.POSITIVE_INFINITY) return RLIM_INFINITY;
  if (!Number.isFinite(value) || value < 0) {
    throw new ContainerError("invalid-argument", `resource limit ${name} of ${value}`);
  }
  return Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER).toString();
}

function checkStrings(strings: readonly string[]): void {
  const bad = strings.find((string) => string.includes("\0"));
  if (bad !== undefined) {
    throw new ContainerError("invalid-argument", `a NUL byte in ${JSON.stringify(bad)}`);
  }
}
