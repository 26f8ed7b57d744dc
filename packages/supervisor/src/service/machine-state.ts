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
import type { StartLimit, StartLimitImage } from "./start-limit.js";

/** A process that was asked for. */
interface PendingSpawn {
  readonly role: ProcessRole;
  /** The state to take once it runs, and its time limit; absent for a command that only follows another. */
  readonly enter?: { readonly state: ServiceSubState; readonly timeoutMs: number };
}

/** The commands of a section that are still to run, one after the other; `index` is the present one. */
export interface CommandQueue {
  readonly section: ExecSection;
  readonly commands: readonly ExecCommand[];
  index: number;
}

/** Where a queue stands, without its commands. */
interface QueueImage {
  readonly section: ExecSection;
  readonly index: number;
  readonly length: number;
}

/** All that a machine remembers, as plain data: another machine goes on from it. */
export interface MachineImage {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly main?: QueueImage;
  readonly control?: QueueImage;
  readonly pending?: PendingSpawn;
  readonly limit: StartLimitImage;
}

/** What is kept as it is; times are those of the clock, absent while there is no limit. */
const KEPT = [
  "sub",
  "stateChangedAt",
  "result",
  "reloadResult",
  "exit",
  "statusText",
  "restarts",
  "forgetRestarts",
  "restartDue",
  "stopAsked",
  "willRestart",
  "mainPid",
  "mainKnown",
  "controlPid",
  "populated",
  "executed",
  "deadline",
  "watchdogMs",
  "watchdogAt",
  "spawns",
] as const;

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
  protected executed = false;
  /** When the present state's time is up. */
  protected deadline: number | undefined;
  protected watchdogMs = 0;
  protected watchdogAt: number | undefined;
  /** Processes asked for in this activation: each has its number. */
  protected spawns = 0;

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

  image(): MachineImage {
    const fields = Object.fromEntries(KEPT.map((name) => [name, this[name]]));
    return {
      fields,
      ...(this.main && { main: imageOf(this.main) }),
      ...(this.control && { control: imageOf(this.control) }),
      ...(this.pending && { pending: this.pending }),
      limit: this.limit.image(),
    };
  }

  /** Becomes what another machine of the same definition was; `handle` it a `resume` then. */
  restore({ fields, main, control, pending, limit }: MachineImage): void {
    Object.assign(this, Object.fromEntries(KEPT.map((name) => [name, fields[name]])));
    this.main = main && this.#queueOf(main);
    this.control = control && this.#queueOf(control);
    this.pending = pending;
    this.limit.restore(limit);
  }

  #queueOf({ section, index, length }: QueueImage): CommandQueue {
    return { section, index, commands: this.commands(section).slice(0, length) };
  }

  /** Runs the commands of a section one by one, in `state`; `none` when it has none. */
  protected runSection(
    section: Exclude<ExecSection, "ExecStart">,
    state: ServiceSubState,
    timeoutMs: number,
    none: () => void,
  ): void {
    const commands = this.commands(section);
    if (commands.length === 0) {
      none();
      return;
    }
    this.control = { section, commands, index: 0 };
    this.spawn("control", { state, timeoutMs });
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

  /** Asks for the present command of a queue; `enter` for the first of a section. */
  protected spawn(role: ProcessRole, enter?: PendingSpawn["enter"]): void {
    assert(!this.pending, "one spawn at a time");
    this.pending = { role, ...(enter && { enter }) };
    this.spawns += 1;
    this.askForPending();
  }

  protected askForPending(): void {
    const role = this.pending?.role;
    const queue = role === "main" ? this.main : this.control;
    const command = queue?.commands[queue.index];
    assert(role && queue && command, "a command to run");
    this.push({ type: "spawn", role, section: queue.section, command, number: this.spawns });
  }

  protected spawned(pid: number): void {
    const pending = this.pending;
    assert(pending, "an answer to a spawn");
    this.pending = undefined;
    this.populated = true;
    if (pending.role === "main") this.mainSpawned(pid, pending.enter !== undefined);
    else {
      this.controlPid = pid;
      if (!pending.enter) return;
      this.arm(pending.enter.timeoutMs);
      this.setState(pending.enter.state);
    }
  }

  /** The main process runs: the first, or one that follows another. */
  protected abstract mainSpawned(pid: number, first: boolean): void;

  protected spawnFailed(message: string): void {
    const pending = this.pending;
    assert(pending, "an answer to a spawn");
    const queue = pending.role === "main" ? this.main : this.control;
    assert(queue, "a queue that is run");
    this.pending = undefined;
    this.log(message);
    if (pending.role === "main") this.main = undefined;
    else this.control = undefined;
    this.notRunnable(queue.section);
  }

  /** A command of the section could not be run at all. */
  protected abstract notRunnable(section: ExecSection): void;

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
    const due = ms === undefined ? undefined : this.now + ms;
    if (timer === "state") this.deadline = due;
    else this.watchdogAt = due;
  }

  /** Limits the present state; Infinity (and 0, as systemd reads it) is no limit. */
  protected arm(ms: number): void {
    this.timer("state", ms > 0 && Number.isFinite(ms) ? ms : undefined);
  }

  /** EXTEND_TIMEOUT_USEC=: prolongs the limit of the present state, never shortens it. */
  protected extend(ms: number): void {
    if (this.deadline !== undefined && this.now + ms > this.deadline) this.timer("state", ms);
  }

  protected watchdog(): void {
    const on = this.watchdogMs > 0 && Number.isFinite(this.watchdogMs);
    this.timer("watchdog", on ? this.watchdogMs : undefined);
  }
}

function imageOf({ section, index, commands }: CommandQueue): QueueImage {
  return { section, index, length: commands.length };
}
