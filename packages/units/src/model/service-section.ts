import {
  accountName,
  accountNames,
  environment,
  environmentFiles,
  exec,
  exitStatuses,
  pidFile,
  requiredPath,
  workingDirectory,
} from "../keys/list-types.js";
import { RESOURCE_LIMITS, type ResourceLimit, resourceLimit } from "../keys/resource-limit.js";
import {
  type Amount,
  boolean,
  cpuQuota,
  memoryLimit,
  mode,
  nice,
  opaque,
  signal,
  tasksLimit,
  text,
  timeout,
  timeSpan,
  weight,
} from "../keys/scalar-types.js";
import { output } from "../keys/stdio-types.js";
import type { ValueType } from "../keys/value-type.js";
import { killMode, notifyAccess, restartPolicy, serviceType } from "../keys/word-types.js";
import type { ExitStatusSet, ServiceSection, ServiceType } from "../types.js";
import type { Settings } from "./settings.js";

/** What percentages are percentages of. */
export interface MachineSize {
  readonly memoryBytes?: number;
  readonly tasks?: number;
}

/** The defaults of systemd-system.conf(5). */
const TIMEOUT_MS = 90_000;
const RESTART_MS = 100;

/** [Service] with systemd's defaults filled in. */
export function readServiceSection(settings: Settings, machine: MachineSize): ServiceSection {
  const type = readType(settings);
  return {
    type,
    ...readCommands(settings),
    ...readProcess(settings),
    ...readRestart(settings),
    ...readTimes(settings, type),
    ...readKill(settings),
    ...readOutput(settings),
    ...readResources(settings, machine),
    notifyAccess: readNotifyAccess(settings, type),
  };
}

function last<T>(settings: Settings, type: ValueType<T>, key: string): T | undefined {
  return settings.last(type, "Service", key);
}

/** Without Type=: dbus with a BusName=, else simple, else (nothing to start) oneshot. */
function readType(settings: Settings): ServiceType {
  const type = last(settings, serviceType, "Type");
  if (type !== undefined) return type;
  if (last(settings, opaque, "BusName") !== undefined) return "dbus";
  return settings.list(exec, "Service", "ExecStart").length > 0 ? "simple" : "oneshot";
}

function readCommands(settings: Settings) {
  const commands = (key: string) => settings.list(exec, "Service", key);
  return {
    execCondition: commands("ExecCondition"),
    execStartPre: commands("ExecStartPre"),
    execStart: commands("ExecStart"),
    execStartPost: commands("ExecStartPost"),
    execReload: commands("ExecReload"),
    execStop: commands("ExecStop"),
    execStopPost: commands("ExecStopPost"),
  };
}

function readProcess(settings: Settings) {
  return {
    environment: Object.fromEntries(
      settings.list(environment, "Service", "Environment").map((one) => {
        const equals = one.indexOf("=");
        return [one.slice(0, equals), one.slice(equals + 1)];
      }),
    ),
    environmentFiles: settings.list(environmentFiles, "Service", "EnvironmentFile"),
    supplementaryGroups: settings.list(accountNames, "Service", "SupplementaryGroups"),
    ...defined("workingDirectory", last(settings, workingDirectory, "WorkingDirectory")),
    ...defined("rootDirectory", last(settings, requiredPath, "RootDirectory")),
    ...defined("user", last(settings, accountName, "User")),
    ...defined("group", last(settings, accountName, "Group")),
    ...defined("uMask", last(settings, mode, "UMask")),
    ...defined("nice", last(settings, nice, "Nice")),
    ...defined("pidFile", last(settings, pidFile, "PIDFile")),
  };
}

function readRestart(settings: Settings) {
  return {
    restart: last(settings, restartPolicy, "Restart") ?? "no",
    restartMs: last(settings, timeSpan, "RestartSec") ?? RESTART_MS,
    restartPreventExitStatus: statuses(settings, "RestartPreventExitStatus"),
    restartForceExitStatus: statuses(settings, "RestartForceExitStatus"),
    successExitStatus: statuses(settings, "SuccessExitStatus"),
    remainAfterExit: last(settings, boolean, "RemainAfterExit") ?? false,
  };
}

function statuses(settings: Settings, key: string): ExitStatusSet {
  const all = new Set(settings.list(exitStatuses, "Service", key));
  const codes = [...all].filter((one) => typeof one === "number");
  return { codes, signals: [...all].filter((one) => typeof one === "string") };
}

function readTimes(settings: Settings, type: ServiceType) {
  // A oneshot may take as long as it likes to start, unless told otherwise.
  const start = type === "oneshot" ? Number.POSITIVE_INFINITY : TIMEOUT_MS;
  return {
    timeoutStartMs: last(settings, timeout, "TimeoutStartSec") ?? start,
    timeoutStopMs: last(settings, timeout, "TimeoutStopSec") ?? TIMEOUT_MS,
    runtimeMaxMs: last(settings, timeSpan, "RuntimeMaxSec") ?? Number.POSITIVE_INFINITY,
    watchdogMs: last(settings, timeSpan, "WatchdogSec") ?? 0,
  };
}

function readKill(settings: Settings) {
  return {
    killMode: last(settings, killMode, "KillMode") ?? "control-group",
    killSignal: last(settings, signal, "KillSignal") ?? "SIGTERM",
    finalKillSignal: last(settings, signal, "FinalKillSignal") ?? "SIGKILL",
    sendSigkill: last(settings, boolean, "SendSIGKILL") ?? true,
    sendSighup: last(settings, boolean, "SendSIGHUP") ?? false,
  };
}

/** A service that must be able to notify may, even where it is not said. */
function readNotifyAccess(settings: Settings, type: ServiceType): ServiceSection["notifyAccess"] {
  const access = last(settings, notifyAccess, "NotifyAccess") ?? "none";
  const needed =
    type === "notify" ||
    type === "notify-reload" ||
    (last(settings, timeSpan, "WatchdogSec") ?? 0) > 0;
  return access === "none" && needed ? "main" : access;
}

function readOutput(settings: Settings) {
  return {
    standardOutput: last(settings, output, "StandardOutput") ?? "journal",
    standardError: last(settings, output, "StandardError") ?? "inherit",
    ...defined("syslogIdentifier", last(settings, text, "SyslogIdentifier")),
  };
}

function readResources(settings: Settings, machine: MachineSize) {
  const memory =
    last(settings, memoryLimit, "MemoryMax") ?? last(settings, memoryLimit, "MemoryLimit");
  const memoryMax = resolve(settings, "MemoryMax", memory, machine.memoryBytes);
  const tasks = last(settings, tasksLimit, "TasksMax");
  const limits: Record<string, ResourceLimit> = {};
  for (const name of Object.keys(RESOURCE_LIMITS)) {
    const limit = last(settings, resourceLimit, `Limit${name}`);
    if (limit !== undefined) limits[name] = limit;
  }
  return {
    limits,
    ...defined("cpuQuotaPercent", last(settings, cpuQuota, "CPUQuota")),
    ...defined("cpuWeight", last(settings, weight, "CPUWeight")),
    ...defined("memoryMaxBytes", memoryMax),
    ...defined("tasksMax", resolve(settings, "TasksMax", tasks, machine.tasks)),
  };
}

function resolve(
  settings: Settings,
  key: string,
  amount: Amount | undefined,
  whole: number | undefined,
): number | undefined {
  if (amount === undefined || amount.kind === "infinity") return undefined;
  if (amount.kind === "absolute") return amount.value;
  if (whole !== undefined) return Math.floor((whole * amount.value) / 100);
  const message = `The size of the machine is not known here: ${key}=${amount.value}% sets no limit.`;
  settings.complain({ code: "unresolved-percentage", severity: "info", message }, [
    `Service.${key}`,
  ]);
  return undefined;
}

function defined<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}
