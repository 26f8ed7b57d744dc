import type { KeyValue } from "@flotilla/kv";
import { type Action, type Plan, plan } from "@flotilla/scheduler";
import type { Logger } from "pino";
import type { MachinePresence } from "../agent/machine-presence.js";
import { PassLoop } from "../pass-loop.js";
import { clusterState } from "../registry/cluster-state.js";
import type { ClusterView } from "../registry/cluster-view.js";
import type { RegistryKeys } from "../registry/keys.js";
import { encodeRecord } from "../registry/records.js";
import { deleteOp, noneUnder, putOp, sameCreation, unchanged } from "../registry/registry.js";
import type { UnitModels } from "../registry/unit-models.js";

export interface EngineOptions {
  readonly store: KeyValue;
  readonly keys: RegistryKeys;
  readonly view: ClusterView;
  readonly presence: MachinePresence;
  readonly models: UnitModels;
  readonly machineId: string;
  /** Pause between plans when nothing changes, milliseconds (fleet's engine_reconcile_interval). */
  readonly intervalMs: number;
  readonly log: Logger;
}

/**
 * Decides where units run. One engine of the cluster leads: it holds the `engine` key under its
 * machine's lease. Every write is one transaction that holds only while that very key stands, so
 * a deposed engine's writes are refused, however late they arrive.
 */
export class Engine implements AsyncDisposable {
  readonly #options: EngineOptions;
  readonly #stopListening: () => void;
  readonly #loop: PassLoop;
  #decisions = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { intervalMs, log } = options;
    this.#loop = new PassLoop({ pass: () => this.#pass(), intervalMs, log });
    this.#stopListening = options.view.onChange(() => this.#loop.wake());
    options.presence.onRegistered(() => this.#loop.wake());
  }

  get leading(): boolean {
    return this.#options.view.engine?.value === this.#options.machineId;
  }

  /** Writes made since the start. */
  get decisions(): number {
    return this.#decisions;
  }

  /** Stops deciding and lets another engine lead at once. */
  async resign(): Promise<void> {
    await this[Symbol.asyncDispose]();
    const { store, keys, view } = this.#options;
    const held = this.leading ? view.engine : undefined;
    if (held === undefined) return;
    await store.txn(
      {
        compare: [sameCreation(keys.engine, held.createRevision)],
        success: [deleteOp(keys.engine)],
      },
      { signal: AbortSignal.timeout(2_000) },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #pass(): Promise<void> {
    const { view, presence } = this.#options;
    if (!view.connected || presence.lease === undefined) return;
    if (view.engine === undefined) await this.#campaign(presence.lease);
    if (!this.leading) return;
    await this.#carryOut(plan(clusterState(view, this.#options.models)));
  }

  async #campaign(lease: bigint): Promise<void> {
    const { store, keys, machineId, view, log } = this.#options;
    const result = await store.txn({
      compare: [unchanged(keys.engine, 0)],
      success: [putOp(keys.engine, machineId, lease)],
    });
    if (!result.succeeded) return;
    log.info("this engine leads");
    await view.reaches(result.revision);
  }

  /** Stops at the first write that is refused: something changed, and the next plan knows it. */
  async #carryOut({ actions }: Plan): Promise<void> {
    let revision = 0;
    for (const action of actions) {
      const written = await this.#write(action);
      if (written === undefined) return;
      revision = written;
    }
    if (revision > 0) await this.#options.view.reaches(revision);
  }

  async #write(action: Action): Promise<number | undefined> {
    const { store, keys, view, log } = this.#options;
    const leader = view.engine;
    if (leader === undefined) return undefined;
    const scheduleKey = keys.schedule(action.unit);
    const compare = [sameCreation(keys.engine, leader.createRevision)];
    if (action.type === "unschedule") {
      compare.push(unchanged(scheduleKey, view.schedule.get(action.unit)?.modRevision ?? 0));
    } else {
      // The unschedule before it in the same plan may not have reached the view yet: what must
      // hold is that the unit has no place now, is still wanted, and that the machine is there.
      // And no living machine may still have it loaded: a unit that moves stops first.
      compare.push(
        unchanged(scheduleKey, 0),
        noneUnder(keys.states(action.unit)),
        unchanged(keys.desired(action.unit), view.desired.get(action.unit)?.modRevision ?? 0),
        sameCreation(
          keys.machine(action.machine),
          view.machines.get(action.machine)?.createRevision ?? -1,
        ),
      );
    }
    const record = { machine: action.machine, reason: action.reason };
    const result = await store.txn({
      compare,
      success: [
        action.type === "schedule"
          ? putOp(scheduleKey, encodeRecord("schedule", record))
          : deleteOp(scheduleKey),
      ],
    });
    if (!result.succeeded) {
      log.info({ ...action }, "decision overtaken by a change");
      return undefined;
    }
    this.#decisions++;
    log.info({ ...action }, "decided");
    return result.revision;
  }
}
