import { strict as assert } from "node:assert";
import type { ExecCommand, ServiceSection } from "@flotilla/units";
import type { ProcessExit } from "../runtime.js";
import type { ServiceResult, ServiceSubState } from "../types.js";
import { type CleanMode, exitResult } from "./exit-status.js";
import {
  activeState,
  type ExecSection,
  type ProcessRole,
  type ServiceAction,
  type ServiceSnapshot,
  type TimerName,
} from "./protocol.js";
import type { StartLimit } from "./start-limit.js";

/** What to do when the process that was asked for runs, or cannot. */
interface PendingSpawn {
  readonly role: ProcessRole;
  readonly spawned: (pid: number) => void;
  readonly failed: () => void;
}

/** The commands of a section that are still to run, one after the other; `index` is the present one. */
export interface CommandQueue {
  readonly section: ExecSection;
  readonly commands: readonly ExecCommand[];
  index: number;
}

/** The section that runs between two states, and how it goes on without or after it. */
interface SectionNext {
  /** The section has no command. */
  readonly none: () => void;
  /** A command could not be run at all. */
  readonly failed: () => void;
}

/** What a service machine remembers, and its means: states, timers, the queue of commands. */
export abstract class MachineState {
  protected service: ServiceSection;
  protected limit: StartLimit;
  protected actions: ServiceAction[] = [];
  protected now = 0;

  protected sub: ServiceSubState = "dead";
  protected stateChangedAt = 0;
  protected result: ServiceResult = "success";
  protected reloadResult: ServiceResult = "success";
  protected exit: ProcessExit | undefined;
  protected statusText = "";
  protected restarts = 0;
  protected forgetRestarts = false;
  /** RestartSec= is over, so that the stop that comes next is the first half of the restart. */
  protected restartDue = false;
  protected stopAsked = false;
  protected willRestart = false;

  protected mainPid = 0;
  /** A main process was known at some time of this activation. */
  protected mainKnown = false;
  protected main: CommandQueue | undefined;
  protected controlPid = 0;
  protected control: CommandQueue | undefined;
  protected populated = false;
  protected pending: PendingSpawn | undefined;
  private nextControlFailed: () => void = () => {};
  protected executed = false;
  protected deadline: number = Number.POSITIVE_INFINITY;
  protected watchdogMs = 0;

  constructor(service: ServiceSection, limit: StartLimit) {
    this.service = service;
    this.limit = limit;
  }

  /** Takes a new definition (and start limit, if that changed); only while nothing runs. */
  replace(service: ServiceSection, limit: StartLimit | undefined): void {
    assert(this.idle, "a running service keeps its definition");
    this.service = service;
    this.limit = limit ?? this.limit;
  }

  /** True when nothing runs: `dead`, `failed` or `auto-restart`. */
  get idle(): boolean {
    return this.sub === "dead" || this.sub === "failed" || this.sub === "auto-restart";
  }

  snapshot(): ServiceSnapshot {
    return {
      active: activeState(this.sub),
      sub: this.sub,
      result: this.result,
      mainPid: this.mainPid,
      controlPid: this.controlPid,
      statusText: this.statusText,
      exit: this.exit,
      restarts: this.restarts,
      stateChangedAt: this.stateChangedAt,
      willRestart: this.willRestart,
      reloadResult: this.reloadResult,
    };
  }

  /** Runs the commands of a section one by one, in `state`; `none` when it has none. */
  protected runSection(
    section: Exclude<ExecSection, "ExecStart">,
    state: ServiceSubState,
    timeoutMs: number,
    next: SectionNext,
  ): void {
    const commands = this.commands(section);
    if (commands.length === 0) {
      next.none();
      return;
    }
    this.control = { section, commands, index: 0 };
    this.spawnControl(state, timeoutMs, next.failed);
  }

  protected commands(section: ExecSection): readonly ExecCommand[] {
    const service = this.service;
    switch (section) {
      case "ExecCondition":
        return service.execCondition;
      case "ExecStartPre":
        return service.execStartPre;
      case "ExecStart":
        return service.execStart;
      case "ExecStartPost":
        return service.execStartPost;
      case "ExecReload":
        return service.execReload;
      case "ExecStop":
        return service.execStop;
      case "ExecStopPost":
        return service.execStopPost;
    }
  }

  /** Runs the present command of the control queue and takes `state` once it runs. */
  protected spawnControl(state: ServiceSubState, timeoutMs: number, failed: () => void): void {
    this.nextControlFailed = failed;
    this.spawn("control", {
      spawned: (pid) => {
        this.controlPid = pid;
        this.arm(timeoutMs);
        this.setState(state);
      },
      failed,
    });
  }

  /** The state and its time limit stay those of the first command. */
  protected spawnNextControl(): void {
    this.spawn("control", {
      spawned: (pid) => {
        this.controlPid = pid;
      },
      failed: this.nextControlFailed,
    });
  }

  protected spawn(role: ProcessRole, then: Omit<PendingSpawn, "role">): void {
    const queue = role === "main" ? this.main : this.control;
    const command = queue?.commands[queue.index];
    assert(queue && command, "a command to run");
    assert(!this.pending, "one spawn at a time");
    this.pending = { role, ...then };
    this.push({ type: "spawn", role, section: queue.section, command });
  }

  protected spawned(pid: number): void {
    const pending = this.pending;
    assert(pending, "an answer to a spawn");
    this.pending = undefined;
    this.populated = true;
    pending.spawned(pid);
  }

  protected spawnFailed(message: string): void {
    const pending = this.pending;
    assert(pending, "an answer to a spawn");
    this.pending = undefined;
    this.log(message);
    if (pending.role === "main") this.main = undefined;
    else this.control = undefined;
    pending.failed();
  }

  protected judge(exit: ProcessExit, mode: CleanMode, oomKilled: boolean): ServiceResult {
    const result = exitResult(exit, mode, this.service.successExitStatus);
    return result !== "success" && oomKilled ? "oom-kill" : result;
  }

  /** The first thing that went wrong is the result. */
  protected fail(result: ServiceResult): void {
    if (this.result === "success") this.result = result;
  }

  protected setState(sub: ServiceSubState): void {
    this.sub = sub;
    this.stateChangedAt = this.now;
    this.changed(true);
  }

  protected changed(stateChanged: boolean): void {
    this.push({ type: "changed", snapshot: this.snapshot(), stateChanged });
  }

  protected push(action: ServiceAction): void {
    this.actions.push(action);
  }

  protected log(message: string): void {
    this.push({ type: "log", message });
  }

  protected timer(timer: TimerName, ms: number | undefined): void {
    this.push({ type: "timer", timer, ms });
    if (timer === "state") {
      this.deadline = ms === undefined ? Number.POSITIVE_INFINITY : this.now + ms;
    }
  }

  /** Limits the present state; Infinity (and 0, as systemd reads it) is no limit. */
  protected arm(ms: number): void {
    this.timer("state", ms > 0 && Number.isFinite(ms) ? ms : undefined);
  }

  /** EXTEND_TIMEOUT_USEC=: prolongs the limit of the present state, never shortens it. */
  protected extend(ms: number): void {
    if (Number.isFinite(this.deadline) && this.now + ms > this.deadline) this.timer("state", ms);
  }

  protected watchdog(): void {
    const on = this.watchdogMs > 0 && Number.isFinite(this.watchdogMs);
    this.timer("watchdog", on ? this.watchdogMs : undefined);
  }
}
