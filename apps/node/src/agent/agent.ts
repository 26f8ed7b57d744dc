import { globalUnitsFor } from "@flotilla/scheduler";
import type { Supervisor } from "@flotilla/supervisor";
import type { Logger } from "pino";
import { messageOf } from "../errors.js";
import { PassLoop } from "../pass-loop.js";
import { clusterState } from "../registry/cluster-state.js";
import type { ClusterView } from "../registry/cluster-view.js";
import type { UnitModels } from "../registry/unit-models.js";
import type { MachinePresence } from "./machine-presence.js";
import { type LoadedUnit, type UnitTarget, UnitWorker } from "./unit-worker.js";

export interface AgentOptions {
  readonly view: ClusterView;
  readonly presence: MachinePresence;
  readonly supervisor: Supervisor;
  readonly models: UnitModels;
  readonly machineId: string;
  /** Told of each unit that was loaded or unloaded. */
  readonly onLoaded: (name: string) => void;
  /** The machine's lease: after so long without a heartbeat nothing new is started. */
  readonly ttlSeconds: number;
  /** Pause between reconciles when nothing changes, milliseconds. */
  readonly intervalMs: number;
  readonly log: Logger;
}

/**
 * Runs on this machine what the cluster scheduled to it. It acts only on a view that is newer than
 * its registration: a machine that was away must first learn what moved meanwhile. While the store
 * cannot be reached nothing is started or stopped.
 */
export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #workers = new Map<string, UnitWorker>();
  readonly #stopListening: () => void;
  readonly #loop: PassLoop;
  /** The registration that the view was listed after. */
  #currentFor: bigint | undefined;
  /** Units loaded since the start. */
  #loads = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { intervalMs, log } = options;
    this.#loop = new PassLoop({ pass: () => this.#reconcile(), intervalMs, log });
    this.#stopListening = options.view.onChange(() => this.#loop.wake());
    options.presence.onRegistered(() => this.#loop.wake());
  }

  /** A unit as this machine has it; undefined when it is not loaded. */
  loadedUnit(name: string): LoadedUnit | undefined {
    return this.#workers.get(name)?.loaded;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #reconcile(): Promise<void> {
    const { view, presence, ttlSeconds } = this.#options;
    const lease = presence.lease;
    if (lease === undefined) return;
    if (this.#currentFor !== lease) {
      await view.refresh({ signal: AbortSignal.timeout(ttlSeconds * 1_000) });
      this.#currentFor = lease;
    }
    if (!this.#mayAct(lease)) return;
    const targets = this.#targets();
    for (const name of targets.keys()) {
      if (!this.#workers.has(name)) {
        const { supervisor, log, onLoaded } = this.#options;
        const onSettled = (): void => this.#loop.wake();
        this.#workers.set(name, new UnitWorker({ name, supervisor, log, onLoaded, onSettled }));
      }
    }
    await this.#prepare(targets);
    if (!this.#mayAct(lease)) return;
    for (const [name, worker] of this.#workers) worker.launch(targets.get(name), this.#loads);
    for (const [name, worker] of this.#workers) {
      if (worker.loaded === undefined && !targets.has(name)) this.#workers.delete(name);
    }
  }

  /**
   * A machine that the cluster may take for dead keeps its hands still: a pause of the whole process
   * (SIGSTOP, a sleeping laptop) may lie between the view and now, or the view may just show that
   * the machine's record went with its lease.
   */
  #mayAct(lease: bigint): boolean {
    const { view, presence, ttlSeconds, machineId } = this.#options;
    const heard = presence.lease === lease && presence.silentMs <= ttlSeconds * 1_000;
    return heard && view.machines.has(machineId);
  }

  #targets(): Map<string, UnitTarget> {
    const { view, models, machineId } = this.#options;
    const state = clusterState(view, models);
    const machine = state.machines.find((each) => each.id === machineId);
    const globals = new Set(machine === undefined ? [] : globalUnitsFor(machine, state));
    const targets = new Map<string, UnitTarget>();
    for (const { name, desired, fleet } of state.units) {
      const here = fleet.global ? globals.has(name) : state.placements.get(name) === machineId;
      const unit = view.units.get(name);
      if (!here || desired === "inactive" || unit === undefined) continue;
      const { hash, content } = unit.value;
      targets.set(name, { hash, content, launched: desired === "launched" });
    }
    return targets;
  }

  /** All workers at once; one that fails is logged and tried again at the next reconcile. */
  async #prepare(targets: ReadonlyMap<string, UnitTarget>): Promise<void> {
    await Promise.all(
      [...this.#workers].map(async ([name, worker]) => {
        try {
          if (await worker.prepare(targets.get(name))) this.#loads++;
        } catch (error) {
          this.#options.log.warn(
            { unit: name, reason: messageOf(error) },
            "unit not as wanted yet",
          );
        }
      }),
    );
  }
}
