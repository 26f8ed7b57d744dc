import type { Diagnostic } from "@flotilla/units";

export type LoadState = "loaded" | "not-found" | "bad-setting" | "error" | "masked";
export type ActiveState =
  | "active"
  | "reloading"
  | "inactive"
  | "failed"
  | "activating"
  | "deactivating";
export type ServiceSubState =
  | "dead"
  | "condition"
  | "start-pre"
  | "start"
  | "start-post"
  | "running"
  | "exited"
  | "reload"
  | "stop"
  | "stop-watchdog"
  | "stop-sigterm"
  | "stop-sigkill"
  | "stop-post"
  | "final-sigterm"
  | "final-sigkill"
  | "failed"
  | "auto-restart";
/** SubState of any unit: those of targets are "dead" and "active", those of timers and paths more. */
export type UnitSubState = ServiceSubState | "active" | "waiting" | "elapsed" | "listening";
/** systemd's Result= of a service. */
export type ServiceResult =
  | "success"
  | "resources"
  | "protocol"
  | "timeout"
  | "exit-code"
  | "signal"
  | "core-dump"
  | "watchdog"
  | "start-limit-hit"
  | "oom-kill"
  | "exec-condition";
/** How a job ended. */
export type JobResult =
  | "done"
  | "canceled"
  | "timeout"
  | "failed"
  | "dependency"
  /** A unit that it requires is not loaded: nothing was begun. */
  | "missing"
  | "skipped"
  | "invalid"
  /** An Assert…= of the unit does not hold. */
  | "assert";

/** A unit as `systemctl show` would tell it. Times are milliseconds since the epoch. */
export interface UnitStatus {
  readonly name: string;
  readonly description: string;
  readonly load: LoadState;
  readonly active: ActiveState;
  readonly sub: UnitSubState;
  readonly result: ServiceResult;
  readonly mainPid: number;
  readonly statusText: string;
  readonly exitCode?: number;
  readonly exitSignal?: string;
  readonly restarts: number;
  /** In `failed` or `inactive`: the unit restarts by itself, `auto-restart` follows at once. */
  readonly willRestart?: boolean;
  readonly stateChangedAt: number;
  /** Of a timer: when it elapses next. */
  readonly nextTriggerAt?: number;
  readonly memoryBytes?: number;
  readonly tasks?: number;
  readonly cpuUsec?: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** One line of a unit's journal. */
export interface JournalEntry {
  /** Grows by one with each entry of a unit; resume with `afterCursor`. */
  readonly cursor: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly unit: string;
  readonly source: "stdout" | "stderr" | "supervisor";
  readonly identifier: string;
  readonly pid: number;
  readonly message: string;
}

export interface JournalOptions {
  /** The last so many entries; all kept when absent. */
  readonly lines?: number;
  readonly afterCursor?: number;
  readonly sinceMs?: number;
  /** Go on with new entries until `signal` aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** One machine's units. `createSupervisor(options)` makes it. */
export interface Supervisor extends AsyncDisposable {
  /** Adds or replaces a unit's definition. A running unit keeps running on the old one until restarted. */
  load(name: string, content: string): Promise<UnitStatus>;
  /** Stops the unit if needed and forgets it, its journal kept until rotated. */
  unload(name: string): Promise<void>;
  /** Starts with everything it requires and wants; resolves when the job ended. */
  start(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult>;
  stop(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult>;
  restart(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult>;
  /** Clears `failed` and the start limit. */
  resetFailed(name: string): void;
  status(name: string): Promise<UnitStatus | undefined>;
  /** Without resource usage: cheap. */
  list(): readonly UnitStatus[];
  journal(name: string, options?: JournalOptions): AsyncIterable<JournalEntry>;
  /** Every change of state, in order; returns how to stop listening. */
  onChange(listener: (status: UnitStatus) => void): () => void;
  /** Stops all units in reverse order and releases the runtime. */
  shutdown(): Promise<void>;
}
