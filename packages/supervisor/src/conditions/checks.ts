import { accessSync, constants, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { arch, availableParallelism, hostname, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseBoolean, parseSize, pathMatch, splitWords } from "@flotilla/units";
import { compareVersions } from "./versions.js";

type Check = (argument: string) => boolean;

/** Conditions by their names without `Condition`. What is missing here never holds. */
export const CHECKS: Readonly<Record<string, Check>> = {
  PathExists: (path) => mode(path) !== undefined,
  PathExistsGlob: (pattern) => globExists(pattern),
  PathIsDirectory: (path) => mode(path) === "directory",
  PathIsSymbolicLink: (path) => probe(() => lstatSync(path).isSymbolicLink()),
  PathIsMountPoint: (path) => probe(() => isMountPoint(path)),
  PathIsReadWrite: (path) => probe(() => isWritable(path)),
  DirectoryNotEmpty: (path) => probe(() => readdirSync(path).length > 0),
  FileNotEmpty: (path) => mode(path) === "file" && probe(() => statSync(path).size > 0),
  FileIsExecutable: (path) =>
    mode(path) === "file" && probe(() => (statSync(path).mode & 0o111) !== 0),
  Architecture: (name) => name === "native" || name === ARCHITECTURES[arch()],
  Host: (pattern) =>
    pathMatch(pattern.toLowerCase(), hostname().toLowerCase()) || isMachine(pattern),
  KernelCommandLine: (argument) => hasKernelArgument(argument),
  KernelVersion: (argument) =>
    splitWords(argument).every((expression) => versionHolds(expression, release())),
  Memory: (argument) =>
    numberHolds(argument, totalmem(), (text) => parseSize(text, 1024) ?? Number.NaN),
  CPUs: (argument) => numberHolds(argument, availableParallelism(), Number),
  Environment: (argument) => hasEnvironment(argument),
  User: (user) => isUser(user),
  Group: (group) => isGroup(group),
  ControlGroupController: (argument) => splitWords(argument).every(hasController),
  ACPower: (argument) => parseBoolean(argument) === onMains(),
  OSRelease: (argument) => splitWords(argument).every(osReleaseHolds),
};

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "x86-64",
  arm64: "arm64",
  riscv64: "riscv64",
};

/** False for what throws: what is not there has no property. */
function probe(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

function isWritable(path: string): boolean {
  accessSync(path, constants.W_OK);
  return true;
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function mode(path: string): "directory" | "file" | "other" | undefined {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return "directory";
    return found.isFile() ? "file" : "other";
  } catch {
    return undefined;
  }
}

function globExists(pattern: string): boolean {
  return pattern
    .split("/")
    .filter(Boolean)
    .reduce<string[]>(
      (paths, part) =>
        paths.flatMap((path) => {
          if (!/[*?[]/.test(part)) return mode(join(path, part)) ? [join(path, part)] : [];
          const hidden = part.startsWith(".");
          return entries(path)
            .filter((name) => (hidden || !name.startsWith(".")) && pathMatch(part, name))
            .map((name) => join(path, name));
        }),
      ["/"],
    )
    .some(Boolean);
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isMountPoint(path: string): boolean {
  const [own, parent] = [statSync(path), statSync(join(path, ".."))];
  if (own.dev !== parent.dev || own.ino === parent.ino) return true;
  return text("/proc/self/mounts")
    .split("\n")
    .some((line) => line.split(" ")[1] === path.replace(/\/+$/, ""));
}

function isMachine(id: string): boolean {
  return text("/etc/machine-id").trim() === id.replaceAll("-", "");
}

function hasKernelArgument(argument: string): boolean {
  const words = splitWords(text("/proc/cmdline").trim());
  return words.some(
    (word) => word === argument || (!argument.includes("=") && word.startsWith(`${argument}=`)),
  );
}

const OPERATOR = /^(<=|>=|!=|<>|==|=|<|>)?\s*(.*)$/s;

function compared(operator: string, difference: number): boolean {
  switch (operator) {
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
    case "!=":
    case "<>":
      return difference !== 0;
    default:
      return difference === 0;
  }
}

function versionHolds(expression: string, version: string): boolean {
  const [, operator = "", wanted = ""] = OPERATOR.exec(expression) ?? [];
  // Without an operator, and with `=`, it is a shell pattern.
  if (operator === "" || operator === "=") return pathMatch(wanted, version);
  return compared(operator, compareVersions(version, wanted));
}

/** Without an operator the machine must have at least that much. */
function numberHolds(argument: string, has: number, parse: (text: string) => number): boolean {
  const [, operator = "", wanted = ""] = OPERATOR.exec(argument) ?? [];
  return probe(() => compared(operator || ">=", has - parse(wanted)));
}

function hasEnvironment(argument: string): boolean {
  const equals = argument.indexOf("=");
  if (equals < 0) return process.env[argument] !== undefined;
  return process.env[argument.slice(0, equals)] === argument.slice(equals + 1);
}

function isUser(user: string): boolean {
  const uid = process.getuid?.() ?? 0;
  if (/^\d+$/.test(user)) return Number(user) === uid;
  if (user === "@system") return uid < 1000;
  return entryOf("/etc/passwd", user) === uid;
}

function isGroup(group: string): boolean {
  const groups = [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  const gid = /^\d+$/.test(group) ? Number(group) : entryOf("/etc/group", group);
  return gid !== undefined && groups.includes(gid);
}

function entryOf(path: string, name: string): number | undefined {
  const line = text(path)
    .split("\n")
    .find((one) => one.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

function hasController(name: string): boolean {
  if (name === "v2") return mode("/sys/fs/cgroup/cgroup.controllers") !== undefined;
  if (name === "v1") return mode("/sys/fs/cgroup/cgroup.controllers") === undefined;
  const v2 = text("/sys/fs/cgroup/cgroup.controllers").trim().split(" ");
  return v2.includes(name) || mode(`/sys/fs/cgroup/${name}`) === "directory";
}

/** As systemd: a machine that tells of no supply at all is on mains. */
function onMains(): boolean {
  const root = "/sys/class/power_supply";
  const mains = entries(root).filter((name) => text(join(root, name, "type")).trim() === "Mains");
  return (
    mains.length === 0 || mains.some((name) => text(join(root, name, "online")).trim() === "1")
  );
}

function osReleaseHolds(argument: string): boolean {
  const [, key = "", operator = "", wanted = ""] =
    /^([A-Za-z0-9_]+)(<=|>=|!=|<>|==|=|<|>)(.*)$/s.exec(argument) ?? [];
  const path = mode("/etc/os-release") ? "/etc/os-release" : "/usr/lib/os-release";
  const line = text(path)
    .split("\n")
    .find((one) => one.startsWith(`${key}=`));
  const value = splitWords(line?.slice(key.length + 1) ?? "").join(" ");
  if (operator === "=") return pathMatch(wanted, value);
  return operator !== "" && compared(operator, compareVersions(value, wanted));
}
