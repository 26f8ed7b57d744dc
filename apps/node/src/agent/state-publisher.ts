import type { KeyValue } from "@flotilla/kv";
import type { Supervisor, UnitStatus } from "@flotilla/supervisor";
import type { Logger } from "pino";
import { messageOf } from "../errors.js";
import type { RegistryKeys } from "../registry/keys.js";
import { encodeRecord, type StateRecord } from "../registry/records.js";
import { sleep } from "../sleep.js";
import type { MachinePresence } from "./machine-presence.js";
import type { LoadedUnit } from "./unit-worker.js";

export interface StatePublisherOptions {
  readonly store: KeyValue;
  readonly keys: RegistryKeys;
  readonly presence: MachinePresence;
  readonly supervisor: Supervisor;
  readonly machineId: string;
  /** What a unit runs on; undefined for one no longer loaded. */
  readonly loadedUnit: (name: string) => LoadedUnit | undefined;
  readonly log: Logger;
}

/**
 * Tells the cluster the state of this machine's units, each under the machine's lease, so that they
 * go with it. At most one write is under way, and a unit that changes ten times meanwhile is
 * written once: what waits is bounded by the number of units.
 */
export class StatePublisher implements AsyncDisposable {
  readonly #options: StatePublisherOptions;
  readonly #dirty = new Set<string>();
  readonly #published = new Map<string, string>();
  readonly #abort = new AbortController();
  readonly #stopListening: () => void;
  #running: Promise<void> | undefined;

  constructor(options: StatePublisherOptions) {
    this.#options = options;
    this.#stopListening = options.supervisor.onChange((status) => this.changed(status.name));
    options.presence.onRegistered(() => {
      // A new lease starts with nothing: all that went with the old one is told again.
      const names = [...this.#published.keys()];
      this.#published.clear();
      for (const name of names) this.changed(name);
      for (const { name } of options.supervisor.list()) this.changed(name);
    });
  }

  /** Something about this unit is new. */
  changed(name: string): void {
    this.#dirty.add(name);
    this.#wake();
  }

  #wake(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      const waits = this.#dirty.size > 0 && this.#options.presence.lease !== undefined;
      if (waits && !this.#abort.signal.aborted) this.#wake();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#abort.abort();
    await this.#running;
  }

  async #work(): Promise<void> {
    const signal = this.#abort.signal;
    // A unit that is restarted passes through `failed` in one go: only where it stops is told.
    await Promise.resolve();
    while (this.#dirty.size > 0 && !signal.aborted) {
      const lease = this.#options.presence.lease;
      // Without a lease there is nobody to tell; registering wakes this again.
      if (lease === undefined) return;
      const [name] = this.#dirty;
      if (name === undefined) return;
      this.#dirty.delete(name);
      try {
        await this.#publish(name, lease, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#dirty.add(name);
        this.#options.log.debug({ unit: name, reason: messageOf(error) }, "state not told yet");
        await sleep(250, signal);
      }
    }
  }

  async #publish(name: string, lease: bigint, signal: AbortSignal): Promise<void> {
    const { store, keys, machineId, supervisor, loadedUnit, presence } = this.#options;
    const key = keys.state(name, machineId);
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    const loaded = loadedUnit(name);
    const status = supervisor.list().find((each) => each.name === name);
    if (status === undefined || loaded === undefined) {
      await store.delete(key, { signal: attempt });
      this.#published.delete(name);
      return;
    }
    const record = encodeRecord("state", toRecord(status, loaded));
    if (this.#published.get(name) === record) return;
    await store.put(key, record, { lease, signal: attempt });
    // An answer that comes after the lease was lost tells of a key that went with it.
    if (presence.lease === lease) this.#published.set(name, record);
  }
}

function toRecord(status: UnitStatus, { hash, launched }: LoadedUnit): StateRecord {
  const { load, active, sub, mainPid, restarts } = status;
  const changedAt = status.stateChangedAt;
  return { hash, launched, load, active, sub, mainPid, restarts, changedAt };
}
