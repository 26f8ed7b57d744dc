import type { KeyValue } from "@flotilla/kv";
import type { Logger } from "pino";
import { messageOf, NodeError } from "../errors.js";
import type { RegistryKeys } from "../registry/keys.js";
import { decodeRecord, encodeRecord, type MachineRecord } from "../registry/records.js";
import { putOp, unchanged } from "../registry/registry.js";
import { sleep } from "../sleep.js";

export interface MachinePresenceOptions {
  readonly store: KeyValue;
  readonly keys: RegistryKeys;
  readonly record: MachineRecord;
  /** Seconds until the cluster takes a silent machine for dead. */
  readonly ttlSeconds: number;
  readonly log: Logger;
}

/** Between two tries to register, milliseconds. */
const RETRY_MS = 250;

/** How one machine is known to be alive: its record, under a lease that is kept alive. */
export class MachinePresence {
  readonly #options: MachinePresenceOptions;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(lease: bigint) => void>();
  #lease: bigint | undefined;
  #lastContactMs = 0;
  #record: MachineRecord;
  #reject: (error: Error) => void = () => undefined;
  /** Rejects when another living machine has this one's ID: this process must end. */
  readonly failed: Promise<never>;
  #running: Promise<void> | undefined;

  constructor(options: MachinePresenceOptions) {
    this.#options = options;
    this.#record = options.record;
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** The lease everything of this machine is kept under; undefined until registered and while lost. */
  get lease(): bigint | undefined {
    return this.#lease;
  }

  /** Milliseconds since the newest heartbeat that the store answered was sent. */
  get silentMs(): number {
    return performance.now() - this.#lastContactMs;
  }

  /** Called with each new lease: after the first registration and after every loss. */
  onRegistered(listener: (lease: bigint) => void): void {
    this.#listeners.add(listener);
  }

  /** Registers; rejects with `duplicate-machine` when another living machine has this ID. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#registerPatiently(signal);
    this.#running = this.#beat();
  }

  /** Takes no units any more; those it has are moved away. */
  async cordon(signal: AbortSignal): Promise<void> {
    const lease = this.#lease;
    this.#record = { ...this.#record, schedulable: false };
    if (lease === undefined) return;
    const { store, keys } = this.#options;
    const value = encodeRecord("machine", this.#record);
    await store.put(keys.machine(this.#record.id), value, { lease, signal });
  }

  /** Gives the machine up at once, as a clean shutdown does. */
  async leave(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    await this.#options.store.leaseRevoke(lease, { signal: AbortSignal.timeout(2_000) });
  }

  async #beat(): Promise<void> {
    const { store, ttlSeconds, log } = this.#options;
    const signal = this.#abort.signal;
    const intervalMs = (ttlSeconds * 1_000) / 4;
    while (!signal.aborted) {
      if (this.#lease !== undefined) await sleep(intervalMs, signal);
      else await sleep(RETRY_MS, signal);
      if (signal.aborted) return;
      try {
        const lease = this.#lease;
        if (lease === undefined) {
          await this.#register(signal, "again");
          continue;
        }
        const attempt = AbortSignal.any([signal, AbortSignal.timeout(ttlSeconds * 1_000)]);
        // The lease runs from when the store took the heartbeat, which may be just after this.
        const sent = performance.now();
        await store.leaseKeepAlive(lease, { signal: attempt });
        this.#lastContactMs = sent;
      } catch (error) {
        if (signal.aborted) return;
        if (NodeError.is(error) && error.code === "duplicate-machine") {
          this.#reject(error);
          return;
        }
        if (codeOf(error) === "lease-not-found") {
          log.warn("the machine's lease is gone: registering anew");
          this.#lease = undefined;
        } else {
          log.warn({ reason: messageOf(error) }, "the store did not answer a heartbeat");
        }
      }
    }
  }

  /** Keeps trying while the store is away; a duplicate is waited out for two TTLs, then refused. */
  async #registerPatiently(signal: AbortSignal): Promise<void> {
    const giveUpOnDuplicate = performance.now() + this.#options.ttlSeconds * 2_000;
    for (;;) {
      try {
        return await this.#register(signal, "first");
      } catch (error) {
        signal.throwIfAborted();
        const duplicate = NodeError.is(error) && error.code === "duplicate-machine";
        if (duplicate && performance.now() > giveUpOnDuplicate) throw error;
        this.#options.log.warn({ reason: messageOf(error) }, "not registered yet");
        await sleep(RETRY_MS, signal);
      }
    }
  }

  /**
   * The first registration of a process takes over what an earlier life of its machine left. Later
   * ones must not: a record of another process that lives means two run on copies of one directory.
   */
  async #register(signal: AbortSignal, which: "first" | "again"): Promise<void> {
    const { store, keys, ttlSeconds, log } = this.#options;
    const record = this.#record;
    const key = keys.machine(record.id);
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    const known = await store.get(key, { signal: attempt });
    const other = known === null ? undefined : decodeRecord("machine", known.value);
    const foreign = other !== undefined && other.directoryId !== record.directoryId;
    const twin = which === "again" && other !== undefined && other.bootId !== record.bootId;
    if (foreign || twin) {
      throw new NodeError(
        "duplicate-machine",
        `machine ID ${record.id} is in use by ${other.name} (${other.api})`,
        {
          hint: "two machines share an ID, as copies of a data directory do: remove machine-id and directory-id from one",
        },
      );
    }
    const sent = performance.now();
    const { id } = await store.leaseGrant(ttlSeconds, { signal: attempt });
    const result = await store.txn(
      {
        compare: [unchanged(key, known?.modRevision ?? 0)],
        success: [putOp(key, encodeRecord("machine", record), id)],
      },
      { signal: attempt },
    );
    if (!result.succeeded) {
      await store.leaseRevoke(id, { signal: attempt });
      throw new NodeError("failed", `the record of machine ${record.id} changed meanwhile`);
    }
    // What an earlier life of this machine left must not linger until its lease runs out.
    if (known !== null && known.lease !== 0n) {
      await store.leaseRevoke(known.lease, { signal: attempt }).catch(() => undefined);
    }
    this.#lease = id;
    this.#lastContactMs = sent;
    log.info({ machine: record.id, ttlSeconds }, "registered");
    for (const listener of this.#listeners) listener(id);
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
