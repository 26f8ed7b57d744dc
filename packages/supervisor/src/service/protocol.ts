import type { ExecCommand } from "@flotilla/units";
import type { ProcessExit } from "../runtime.js";
import type { ActiveState, ServiceResult, ServiceSubState } from "../types.js";

/**
 * What a service's machine is told and what it asks for. The machine is synchronous and without
 * I/O: whoever drives it runs the actions in order and reports back with events.
 */

/** The process that is the service, or the one command run beside it (Exec*Pre, Post, Reload, Stop; forking's start). */
export type ProcessRole = "main" | "control";

export type ExecSection =
  | "ExecCondition"
  | "ExecStartPre"
  | "ExecStart"
  | "ExecStartPost"
  | "ExecReload"
  | "ExecStop"
  | "ExecStopPost";

/** `state`: the limit of the present state, RuntimeMaxSec= and RestartSec= included. */
export type TimerName = "state" | "watchdog";

export type ServiceEvent =
  | { readonly type: "start" }
  | { readonly type: "stop" }
  | { readonly type: "reload" }
  | { readonly type: "reset-failed" }
  /** The machine was restored from an image: it goes on. */
  | { readonly type: "resume" }
  /** The answer to `spawn`: it runs (exec may still fail, which comes as an exit with 200–243). */
  | { readonly type: "spawned"; readonly role: ProcessRole; readonly pid: number }
  /** The answer to `spawn`: nothing runs. */
  | { readonly type: "spawn-failed"; readonly role: ProcessRole; readonly message: string }
  | { readonly type: "executed"; readonly pid: number }
  | {
      readonly type: "exited";
      readonly pid: number;
      readonly exit: ProcessExit;
      /** Other processes of the unit are left. */
      readonly populated: boolean;
      readonly oomKilled: boolean;
    }
  /** No process of the unit is left. */
  | { readonly type: "empty" }
  /** The answer to `find-main`: 0 when there is no telling. */
  | { readonly type: "main-found"; readonly pid: number }
  | {
      readonly type: "notify";
      readonly message: Readonly<Record<string, string>>;
      readonly pid: number;
    }
  | { readonly type: "timer"; readonly timer: TimerName };

/** What is known of a service at one moment. */
export interface ServiceSnapshot {
  readonly active: ActiveState;
  readonly sub: ServiceSubState;
  readonly result: ServiceResult;
  readonly mainPid: number;
  readonly controlPid: number;
  readonly statusText: string;
  readonly exit: ProcessExit | undefined;
  readonly restarts: number;
  readonly stateChangedAt: number;
  /** In `dead` or `failed`: `auto-restart` follows at once. */
  readonly willRestart: boolean;
  readonly reloadResult: ServiceResult;
}

/** Answer with `spawned` or `spawn-failed` before anything else. */
export interface SpawnAction {
  readonly type: "spawn";
  readonly role: ProcessRole;
  readonly section: ExecSection;
  readonly command: ExecCommand;
  /** Which spawn of the activation it is: asked for twice, the same process is meant. */
  readonly number: number;
}

export type ServiceAction =
  | SpawnAction
  /** Send `signals` in turn to the `pids`, or to every process of the unit when undefined. */
  | {
      readonly type: "kill";
      readonly pids: readonly number[] | undefined;
      readonly signals: readonly string[];
    }
  /** Arm, re-arm or (undefined) clear. */
  | { readonly type: "timer"; readonly timer: TimerName; readonly ms: number | undefined }
  /** A forking service's parent has exited: find the daemon by PIDFile= or by being alone. */
  | { readonly type: "find-main"; readonly pidFile: string | undefined }
  /** MAINPID= named a process that was not spawned as such: report its end as `exited`. */
  | { readonly type: "watch-main"; readonly pid: number }
  /** Remove the sandbox and what is left in it. */
  | { readonly type: "release" }
  /** RestartSec= is over. */
  | { readonly type: "restart" }
  | { readonly type: "log"; readonly message: string }
  | {
      readonly type: "changed";
      readonly snapshot: ServiceSnapshot;
      /** False for a change of STATUS= or of the main pid alone. */
      readonly stateChanged: boolean;
    };

const ACTIVE: Readonly<Record<ServiceSubState, ActiveState>> = {
  dead: "inactive",
  condition: "activating",
  "start-pre": "activating",
  start: "activating",
  "start-post": "activating",
  running: "active",
  exited: "active",
  reload: "reloading",
  stop: "deactivating",
  "stop-watchdog": "deactivating",
  "stop-sigterm": "deactivating",
  "stop-sigkill": "deactivating",
  "stop-post": "deactivating",
  "final-sigterm": "deactivating",
  "final-sigkill": "deactivating",
  failed: "failed",
  "auto-restart": "activating",
};

/** systemd's ActiveState of a service's SubState. */
export function activeState(sub: ServiceSubState): ActiveState {
  return ACTIVE[sub];
}
