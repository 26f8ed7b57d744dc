import type { KeyValue } from "@flotilla/kv";
import type { Action } from "@flotilla/scheduler";
import type { Logger } from "pino";
import type { MachinePresence } from "../agent/machine-presence.js";
import { PassLoop } from "../pass-loop.js";
import type { ClusterView } from "../registry/cluster-view.js";
import type { RegistryKeys } from "../registry/keys.js";
import { deleteOp, putOp, sameCreation, unchanged } from "../registry/registry.js";
import type { ClusterPlanner } from "./cluster-planner.js";
import { type Decision, decisions, transaction, transactions } from "./decisions.js";

export interface EngineOptions {
  readonly store: KeyValue;
  readonly keys: RegistryKeys;
  readonly view: ClusterView;
  readonly presence: Pick<MachinePresence, "lease" | "onRegistered">;
  readonly planner: ClusterPlanner;
  readonly machineId: string;
  /** Pause between plans when nothing changes, milliseconds (fleet's engine_reconcile_interval). */
  readonly intervalMs: number;
  readonly log: Logger;
}

/**
 * Decides where units run. One engine of the cluster leads: it holds the `engine` key under its
 * machine's lease. A plan is written in one transaction, or in as few as the store's limit allows,
 * and each holds only while the key stands that the plan was made under, so that a deposed engine's
 * writes are refused, however late they arrive.
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

  /** Decisions written since the start. */
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
    const leadership = this.leading ? view.engine?.createRevision : undefined;
    if (leadership === undefined) return;
    await this.#carryOut(this.#options.planner.current().plan().actions, leadership);
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

  /**
   * Writes what can be written now. Where something changed meanwhile a transaction is refused, and
   * its decisions are tried one by one, so that one overtaken unit does not keep all others waiting.
   */
  async #carryOut(actions: readonly Action[], leadership: number): Promise<void> {
    const { view } = this.#options;
    let revision = 0;
    for (const decided of transactions(decisions(actions, this.#options))) {
      let written = await this.#write(decided, leadership);
      if (written === undefined && decided.length > 1) {
        written = await this.#writeEach(decided, leadership);
      }
      // What follows may build on what was refused: the next plan knows better.
      if (written === undefined) break;
      revision = written;
    }
    if (revision > 0) await view.reaches(revision);
  }

  /** The revision of the last that was written; undefined when one was refused. */
  async #writeEach(decided: readonly Decision[], leadership: number): Promise<number | undefined> {
    const refused = new Set<string>();
    let last: number | undefined;
    for (const decision of decided) {
      const { unit, after = [] } = decision.action;
      const builtOnRefused = after.some((leader) => refused.has(leader));
      const written = builtOnRefused ? undefined : await this.#write([decision], leadership);
      if (written === undefined) refused.add(unit);
      last = written ?? last;
    }
    if (last !== undefined) await this.#options.view.reaches(last);
    return refused.size > 0 ? undefined : last;
  }

  async #write(decided: readonly Decision[], leadership: number): Promise<number | undefined> {
    const { store, log } = this.#options;
    const result = await store.txn(transaction(decided, this.#options, leadership));
    const message = result.succeeded ? "decided" : "decision overtaken by a change";
    if (result.succeeded || decided.length === 1) {
      for (const { action } of decided) log.info({ ...action }, message);
    }
    if (!result.succeeded) return undefined;
    this.#decisions += decided.length;
    return result.revision;
  }
}
