import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import type { ServiceSection, UnitModel } from "@flotilla/units";
import type { ResourceUsage, Sandbox } from "../runtime.js";
import type { ActiveState } from "../types.js";
import type { ManagedUnit, UnitDefinition, UnitState, UnitSurroundings } from "../unit.js";
import { Activation, type ActivationImage } from "./activation.js";
import { ServiceMachine } from "./machine.js";
import type { MachineImage } from "./machine-state.js";
import type { ServiceAction, ServiceEvent, ServiceSnapshot, TimerName } from "./protocol.js";
import { StartLimit } from "./start-limit.js";

/** Datagrams of sd_notify that may wait while a command is being started; more are dropped. */
const NOTIFY_QUEUE_MAX = 256;

/** What another supervisor needs to go on with a service. */
export interface ServiceImage {
  /** The file that it runs on. */
  readonly content: string;
  readonly machine: MachineImage;
  readonly activation?: ActivationImage;
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
  readonly #options: UnitSurroundings;
  readonly #machine: ServiceMachine;
  #definition: UnitDefinition;
  /** The definition that the present activation runs on. */
  #service: ServiceSection;
  #replacement: UnitDefinition | undefined;
  #snapshot: ServiceSnapshot;
  #activation: Activation | undefined;
  readonly #mail: Mail[] = [];
  #notifyWaiting = 0;
  #working = false;
  #idle: Promise<void> = Promise.resolve();
  readonly #timers = new Map<TimerName, () => void>();
  #disposed = false;

  constructor(definition: UnitDefinition, options: UnitSurroundings) {
    const { model } = definition;
    this.name = model.name.name;
    this.#options = options;
    this.#definition = definition;
    this.#service = serviceOf(model);
    this.#machine = new ServiceMachine(this.#service, startLimitOf(model));
    this.#snapshot = this.#machine.snapshot();
  }

  /**
   * Goes on from the image of another unit of the same definition, with the sandbox that it left.
   * Call it at once after making the unit.
   */
  adopt(given: unknown, sandbox: Sandbox | undefined): void {
    const image = given as ServiceImage;
    this.#machine.restore(image.machine);
    this.#snapshot = this.#machine.snapshot();
    if (sandbox) {
      this.#activation = this.#newActivation(image.activation?.invocationId);
      this.#activation.adopt(sandbox, image.activation);
    }
    this.#post({ type: "resume" });
    if (!sandbox) this.#loseProcesses();
  }

  get active(): ActiveState {
    return this.#snapshot.active;
  }

  get state(): UnitState {
    return this.#snapshot;
  }

  replace(definition: UnitDefinition): void {
    this.#replacement = definition;
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

  async usage(): Promise<ResourceUsage | undefined> {
    return this.#activation?.usage();
  }

  async dispose(): Promise<void> {
    this.#retire();
    await this.#idle;
    await this.#activation?.release(false);
    this.#activation = undefined;
  }

  async abandon(): Promise<void> {
    this.#retire();
    await this.#idle;
    await this.#activation?.abandon();
  }

  /** Nothing tells how they ended: they count as killed. */
  #loseProcesses(): void {
    for (const pid of [this.#snapshot.mainPid, this.#snapshot.controlPid]) {
      if (pid === 0) continue;
      const exit = { type: "signaled", signal: "SIGKILL", coreDumped: false } as const;
      this.#post({ type: "exited", pid, exit, populated: false, oomKilled: false });
    }
  }

  #retire(): void {
    this.#disposed = true;
    this.#mail.length = 0;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
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
    const definition = this.#replacement;
    if (!definition || !this.#machine.idle) return;
    const { model } = definition;
    const { startLimitBurst, startLimitIntervalMs } = this.#definition.model.unit;
    const sameLimit =
      model.unit.startLimitBurst === startLimitBurst &&
      model.unit.startLimitIntervalMs === startLimitIntervalMs;
    this.#definition = definition;
    this.#service = serviceOf(model);
    this.#replacement = undefined;
    this.#machine.replace(this.#service, sameLimit ? undefined : startLimitOf(model));
  }

  async #handle(event: ServiceEvent): Promise<void> {
    const actions = this.#machine.handle(event, this.#options.clock.now());
    const image: ServiceImage = {
      content: this.#definition.content,
      machine: this.#machine.image(),
      ...(this.#activation && { activation: this.#activation.image() }),
    };
    this.#options.onImage(image);
    for (const action of actions) {
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
        await this.#activation?.release(this.#machine.snapshot().willRestart);
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
    const { role, section } = action;
    try {
      this.#activation ??= await this.#activate();
      const pid = await this.#activation.spawn(action, this.#machine.snapshot());
      return { type: "spawned", role, pid };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { type: "spawn-failed", role, message: `Failed to run ${section}=: ${reason}` };
    }
  }

  async #activate(): Promise<Activation> {
    const activation = this.#newActivation();
    await activation.open(this.#options.runtime);
    return activation;
  }

  #newActivation(invocationId: string = randomUUID().replaceAll("-", "")): Activation {
    const activation: Activation = new Activation({
      name: this.name,
      service: this.#service,
      settings: this.#definition.settings,
      invocationId,
      clock: this.#options.clock,
      log: this.#options.log,
      post: (event) => this.#post(event, activation),
      listeners: () => this.#options.triggering.listenersOf(this.name),
    });
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
