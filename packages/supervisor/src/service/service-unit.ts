import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import type { ServiceSection, UnitModel } from "@flotilla/units";
import type { Clock } from "../clock.js";
import type { ResourceUsage, Runtime } from "../runtime.js";
import type { ActiveState } from "../types.js";
import type { ManagedUnit, UnitChange } from "../unit.js";
import { Activation } from "./activation.js";
import { ServiceMachine } from "./machine.js";
import type { ServiceAction, ServiceEvent, ServiceSnapshot, TimerName } from "./protocol.js";
import { StartLimit } from "./start-limit.js";

/** Datagrams of sd_notify that may wait while a command is being started; more are dropped. */
const NOTIFY_QUEUE_MAX = 256;

/** What a service unit needs of its surroundings. */
export interface ServiceUnitOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Appends to the unit's journal. */
  readonly log: (entry: {
    readonly source: "stdout" | "stderr" | "supervisor";
    readonly identifier: string;
    readonly pid: number;
    readonly message: string;
  }) => void;
  readonly onChange: (change: UnitChange) => void;
  /** RestartSec= is over: a restart job is due. */
  readonly onRestart: () => void;
}

interface Mail {
  readonly event: ServiceEvent;
  readonly activation: Activation | undefined;
  readonly accepted: (() => void) | undefined;
}

/**
 * A service: its machine, and the effects that the machine asks for. Events wait in line while an
 * action runs, so that the machine sees one thing after the other.
 */
export class ServiceUnit implements ManagedUnit {
  readonly name: string;
  readonly #options: ServiceUnitOptions;
  readonly #machine: ServiceMachine;
  #model: UnitModel;
  /** The definition that the present activation runs on. */
  #service: ServiceSection;
  #replacement: UnitModel | undefined;
  #snapshot: ServiceSnapshot;
  #activation: Activation | undefined;
  readonly #mail: Mail[] = [];
  #notifyWaiting = 0;
  #working = false;
  #idle: Promise<void> = Promise.resolve();
  readonly #timers = new Map<TimerName, () => void>();
  #disposed = false;

  constructor(model: UnitModel, options: ServiceUnitOptions) {
    this.name = model.name.name;
    this.#options = options;
    this.#model = model;
    this.#service = serviceOf(model);
    this.#machine = new ServiceMachine(this.#service, startLimitOf(model));
    this.#snapshot = this.#machine.snapshot();
  }

  get active(): ActiveState {
    return this.#snapshot.active;
  }

  get snapshot(): ServiceSnapshot {
    return this.#snapshot;
  }

  /** Takes effect with the next start. */
  replace(model: UnitModel): void {
    this.#replacement = model;
  }

  start(accepted: () => void): void {
    this.#post({ type: "start" }, undefined, accepted);
  }

  stop(accepted: () => void): void {
    this.#post({ type: "stop" }, undefined, accepted);
  }

  reload(accepted: () => void): void {
    this.#post({ type: "reload" }, undefined, accepted);
  }

  resetFailed(): void {
    this.#post({ type: "reset-failed" });
  }

  /** Undefined while nothing runs. */
  async usage(): Promise<ResourceUsage | undefined> {
    return this.#activation?.usage();
  }

  /** Kills what is left and clears every timer; the unit is of no use afterwards. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#mail.length = 0;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await this.#idle;
    await this.#activation?.release();
    this.#activation = undefined;
  }

  #post(event: ServiceEvent, activation?: Activation, accepted?: () => void): void {
    if (this.#disposed) return;
    if (event.type === "notify") {
      if (this.#notifyWaiting >= NOTIFY_QUEUE_MAX) return;
      this.#notifyWaiting += 1;
    }
    this.#mail.push({ event, activation, accepted });
    if (!this.#working) this.#idle = this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let mail = this.#mail.shift(); mail; mail = this.#mail.shift()) {
      if (mail.event.type === "notify") this.#notifyWaiting -= 1;
      // What belongs to an earlier activation is no news of this one.
      if (mail.activation && mail.activation !== this.#activation) continue;
      if (mail.event.type === "start") this.#takeReplacement();
      mail.accepted?.();
      try {
        await this.#handle(mail.event);
      } catch (error) {
        // A fault of this package must neither end the process nor leave the unit deaf.
        this.#log(`Internal error: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
    this.#working = false;
  }

  #takeReplacement(): void {
    const model = this.#replacement;
    if (!model || !this.#machine.idle) return;
    const { startLimitBurst, startLimitIntervalMs } = this.#model.unit;
    const sameLimit =
      model.unit.startLimitBurst === startLimitBurst &&
      model.unit.startLimitIntervalMs === startLimitIntervalMs;
    this.#model = model;
    this.#service = serviceOf(model);
    this.#replacement = undefined;
    this.#machine.replace(this.#service, sameLimit ? undefined : startLimitOf(model));
  }

  async #handle(event: ServiceEvent): Promise<void> {
    for (const action of this.#machine.handle(event, this.#options.clock.now())) {
      if (this.#disposed) return;
      await this.#perform(action);
    }
  }

  async #perform(action: ServiceAction): Promise<void> {
    switch (action.type) {
      case "spawn":
        await this.#handle(await this.#spawn(action));
        break;
      case "kill":
        await this.#activation?.kill(action.pids, action.signals);
        break;
      case "timer":
        this.#timer(action.timer, action.ms);
        break;
      case "find-main":
        this.#activation?.findMain(action.pidFile);
        break;
      case "watch-main":
        this.#activation?.watchForeign(action.pid);
        break;
      case "release":
        await this.#activation?.release();
        this.#activation = undefined;
        break;
      case "restart":
        this.#options.onRestart();
        break;
      case "log":
        this.#log(action.message);
        break;
      case "changed":
        this.#changed(action.snapshot, action.stateChanged);
        break;
    }
  }

  async #spawn(action: ServiceAction & { type: "spawn" }): Promise<ServiceEvent> {
    const { role, section, command } = action;
    try {
      this.#activation ??= await this.#activate();
      const pid = await this.#activation.spawn(section, command, this.#machine.snapshot());
      return { type: "spawned", role, pid };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { type: "spawn-failed", role, message: `Failed to run ${section}=: ${reason}` };
    }
  }

  async #activate(): Promise<Activation> {
    const activation: Activation = new Activation({
      name: this.name,
      service: this.#service,
      invocationId: randomUUID().replaceAll("-", ""),
      clock: this.#options.clock,
      log: this.#options.log,
      post: (event) => this.#post(event, activation),
    });
    await activation.open(this.#options.runtime);
    return activation;
  }

  #timer(timer: TimerName, ms: number | undefined): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
    if (ms === undefined) return;
    const cancel = this.#options.clock.setTimer(ms, () => {
      this.#timers.delete(timer);
      this.#post({ type: "timer", timer });
    });
    this.#timers.set(timer, cancel);
  }

  #changed(snapshot: ServiceSnapshot, stateChanged: boolean): void {
    const before = this.#snapshot.active;
    this.#snapshot = snapshot;
    if (!stateChanged) return;
    this.#options.onChange({
      name: this.name,
      before,
      after: snapshot.active,
      sub: snapshot.sub,
      result: snapshot.result,
      willRestart: snapshot.willRestart,
      reloadResult: snapshot.reloadResult,
    });
  }

  #log(message: string): void {
    this.#options.log({
      source: "supervisor",
      identifier: "supervisor",
      pid: process.pid,
      message,
    });
  }
}

function serviceOf(model: UnitModel): ServiceSection {
  assert(model.service, "a service unit has a [Service] section");
  return model.service;
}

function startLimitOf(model: UnitModel): StartLimit {
  return new StartLimit(model.unit.startLimitIntervalMs, model.unit.startLimitBurst);
}
