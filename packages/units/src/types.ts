import type { CalendarSpec } from "./calendar/spec.js";

/** Where in a text: 1-based physical line and column (UTF-16 units), 0-based offset. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

export interface Span {
  readonly start: Position;
  readonly end: Position;
}

export type Severity = "error" | "warning" | "info";

/** Something to tell about a unit file. Errors make systemd refuse the unit; warnings are ignored by it. */
export interface Diagnostic {
  /** Stable, kebab-case: "unknown-key", "bad-value", "missing-exec-start", … */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** How to mend it. */
  readonly hint?: string;
  readonly file: string;
  readonly span: Span;
}

/** One `Key=value` with continuation lines joined. */
export interface Assignment {
  readonly section: string;
  readonly key: string;
  /** Joined by systemd's rules, trimmed, unexpanded, quotes kept. */
  readonly value: string;
  readonly keySpan: Span;
  readonly valueSpan: Span;
}

export const UNIT_TYPES = [
  "service",
  "socket",
  "target",
  "device",
  "mount",
  "automount",
  "swap",
  "timer",
  "path",
  "slice",
  "scope",
] as const;
export type UnitType = (typeof UNIT_TYPES)[number];

/** `foo@bar.service`: prefix foo, instance bar, type service. */
export interface UnitName {
  readonly name: string;
  readonly prefix: string;
  readonly type: UnitType;
  /** Undefined for plain names; "" for a template (`foo@.service`). */
  readonly instance?: string;
  readonly isTemplate: boolean;
  readonly isInstance: boolean;
  /** The template of an instance (`foo@.service`), else undefined. */
  readonly template?: string;
}

/** Dependencies by systemd's names; each a list of unit names. */
export interface UnitSection {
  readonly description: string;
  readonly documentation: readonly string[];
  readonly requires: readonly string[];
  readonly requisite: readonly string[];
  readonly wants: readonly string[];
  readonly bindsTo: readonly string[];
  readonly partOf: readonly string[];
  readonly upholds: readonly string[];
  readonly conflicts: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly onFailure: readonly string[];
  readonly onSuccess: readonly string[];
  readonly defaultDependencies: boolean;
  /** StartLimitIntervalSec in milliseconds (10 s by default; Infinity possible) and StartLimitBurst (5). */
  readonly startLimitIntervalMs: number;
  readonly startLimitBurst: number;
}

/** One command of an Exec line, unquoted, specifiers expanded, environment not yet. */
export interface ExecCommand {
  readonly path: string;
  readonly argv: readonly string[];
  /** `-`: failure is ignored. */
  readonly ignoreFailure: boolean;
  /** `:`: no environment expansion. */
  readonly noEnvironmentExpansion: boolean;
  /** `+`, `!` or `!!`. */
  readonly privileges: "default" | "full" | "no-setuid" | "ambient";
}

export type ServiceType =
  | "simple"
  | "exec"
  | "forking"
  | "oneshot"
  | "dbus"
  | "notify"
  | "notify-reload"
  | "idle";

export type RestartPolicy =
  | "no"
  | "on-success"
  | "on-failure"
  | "on-abnormal"
  | "on-watchdog"
  | "on-abort"
  | "always";

/** Exit codes and signal names of SuccessExitStatus= and its kin. */
export interface ExitStatusSet {
  readonly codes: readonly number[];
  readonly signals: readonly string[];
}

/** Times are milliseconds, Infinity for `infinity`. Paths and words have specifiers expanded. */
export interface ServiceSection {
  readonly type: ServiceType;
  readonly execCondition: readonly ExecCommand[];
  readonly execStartPre: readonly ExecCommand[];
  readonly execStart: readonly ExecCommand[];
  readonly execStartPost: readonly ExecCommand[];
  readonly execReload: readonly ExecCommand[];
  readonly execStop: readonly ExecCommand[];
  readonly execStopPost: readonly ExecCommand[];
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFiles: readonly { readonly path: string; readonly optional: boolean }[];
  readonly workingDirectory?: { readonly path: string; readonly optional: boolean };
  readonly rootDirectory?: string;
  readonly user?: string;
  readonly group?: string;
  readonly supplementaryGroups: readonly string[];
  readonly uMask?: number;
  readonly nice?: number;
  readonly restart: RestartPolicy;
  readonly restartMs: number;
  readonly restartPreventExitStatus: ExitStatusSet;
  readonly restartForceExitStatus: ExitStatusSet;
  readonly successExitStatus: ExitStatusSet;
  readonly remainAfterExit: boolean;
  readonly timeoutStartMs: number;
  readonly timeoutStopMs: number;
  readonly runtimeMaxMs: number;
  readonly watchdogMs: number;
  readonly killMode: "control-group" | "mixed" | "process" | "none";
  readonly killSignal: string;
  readonly finalKillSignal: string;
  readonly sendSigkill: boolean;
  readonly sendSighup: boolean;
  readonly notifyAccess: "none" | "main" | "exec" | "all";
  readonly pidFile?: string;
  readonly standardOutput: string;
  readonly standardError: string;
  readonly syslogIdentifier?: string;
  /** Percent of one CPU (CPUQuota=50% → 50); undefined without a limit. */
  readonly cpuQuotaPercent?: number;
  readonly cpuWeight?: number;
  /** Bytes; undefined without a limit. */
  readonly memoryMaxBytes?: number;
  readonly tasksMax?: number;
  /** LimitNOFILE= and its kin: soft and hard, by upper-case name without the prefix ("NOFILE"). */
  readonly limits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
}

/** When a timer elapses: at calendar times, or a while after something happened. */
export type TimerTrigger =
  | {
      readonly base: "calendar";
      /** As written, specifiers expanded. */
      readonly expression: string;
      readonly calendar: CalendarSpec;
    }
  | {
      readonly base: "active" | "boot" | "startup" | "unit-active" | "unit-inactive";
      readonly afterMs: number;
    };

/** [Timer]. Times are milliseconds. */
export interface TimerSection {
  /** In the order of the file. */
  readonly triggers: readonly TimerTrigger[];
  readonly onClockChange: boolean;
  readonly onTimezoneChange: boolean;
  /** The unit that it starts: the service of its own name unless Unit= says otherwise. */
  readonly unit: string;
  readonly persistent: boolean;
  readonly wakeSystem: boolean;
  readonly remainAfterElapse: boolean;
  readonly accuracyMs: number;
  readonly randomizedDelayMs: number;
  readonly fixedRandomDelay: boolean;
}

export interface PathWatch {
  readonly kind: "exists" | "exists-glob" | "changed" | "modified" | "directory-not-empty";
  readonly path: string;
}

/** [Path]. */
export interface PathSection {
  readonly watches: readonly PathWatch[];
  /** The unit that it starts: the service of its own name unless Unit= says otherwise. */
  readonly unit: string;
  readonly makeDirectory: boolean;
  readonly directoryMode: number;
  readonly triggerLimitIntervalMs: number;
  readonly triggerLimitBurst: number;
}

/** Something that a socket unit listens on. */
export interface Listener {
  readonly kind:
    | "stream"
    | "datagram"
    | "sequential-packet"
    | "fifo"
    | "netlink"
    | "special"
    | "message-queue"
    | "usb-function";
  /** As written, specifiers expanded: a port, `address:port`, `/path`, `@abstract`. */
  readonly address: string;
}

/** [Socket], as far as it decides on what is listened on and for whom. Times are milliseconds. */
export interface SocketSection {
  readonly listeners: readonly Listener[];
  readonly accept: boolean;
  /** The service that gets the sockets; with `accept`, its template. */
  readonly service: string;
  readonly backlog: number;
  readonly maxConnections: number;
  readonly socketMode: number;
  readonly directoryMode: number;
  readonly removeOnStop: boolean;
  readonly flushPending: boolean;
  /** By which the service finds it: the unit's name unless FileDescriptorName= says otherwise. */
  readonly fileDescriptorName: string;
  readonly timeoutMs: number;
}

/** [Mount]. */
export interface MountSection {
  readonly what: string;
  readonly where: string;
  readonly type?: string;
  readonly options?: string;
  readonly directoryMode: number;
  readonly lazyUnmount: boolean;
  readonly forceUnmount: boolean;
}

/** [Automount]. */
export interface AutomountSection {
  readonly where: string;
  readonly extraOptions?: string;
  readonly directoryMode: number;
  readonly timeoutIdleMs: number;
}

/** [Swap]. */
export interface SwapSection {
  readonly what: string;
  readonly options?: string;
}

export interface InstallSection {
  readonly alias: readonly string[];
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  readonly also: readonly string[];
  readonly defaultInstance?: string;
}

/** fleet's [X-Fleet], legacy `X-Condition…` names folded in; specifiers %n %N %p %i expanded. */
export interface FleetSection {
  readonly machineId?: string;
  /** Key → accepted values: OR within a key, AND over keys. */
  readonly machineMetadata: ReadonlyMap<string, readonly string[]>;
  readonly machineOf: readonly string[];
  /** Go path.Match globs. */
  readonly conflicts: readonly string[];
  readonly replaces?: string;
  readonly global: boolean;
}

/** [X-Flotilla]: what fleet lacked. `service` and `port` register the unit in discovery while it runs. */
export interface FlotillaSection {
  readonly service?: string;
  readonly port?: number;
  readonly protocol: "tcp" | "udp";
}

/** A unit with everything typed; the section of its type is there for units of that type only. */
export interface UnitModel {
  readonly name: UnitName;
  readonly unit: UnitSection;
  readonly install: InstallSection;
  readonly service?: ServiceSection;
  readonly timer?: TimerSection;
  readonly path?: PathSection;
  readonly socket?: SocketSection;
  readonly mount?: MountSection;
  readonly automount?: AutomountSection;
  readonly swap?: SwapSection;
  readonly fleet: FleetSection;
  readonly flotilla: FlotillaSection;
}

/** Values of specifiers that the machine decides; those of the name (%n %N %p %P %i %I %j %J %f) come from the name. */
export type MachineSpecifiers = Readonly<Partial<Record<string, string>>>;

export interface LoadResult {
  /** Undefined when an error makes the unit unusable. */
  readonly unit?: UnitModel;
  readonly diagnostics: readonly Diagnostic[];
}
