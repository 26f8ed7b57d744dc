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

/** How one machine is known to be alive: its record, under a lease that is kept alive. */
export class MachinePresence implements AsyncDisposable {
  readonly #options: MachinePresenceOptions;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(lease: bigint) => void>();
  #lease: bigint | undefined;
  #lastContactMs = 0;
  #running: Promise<void> | undefined;

  constructor(options: MachinePresenceOptions) {
    this.#options = options;
  }

  /** The lease everything of this machine is kept under; undefined until registered and while lost. */
  get lease(): bigint | undefined {
    return this.#lease;
  }

  /** Milliseconds since the store last answered a heartbeat. */
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

  /** Gives the machine up at once, as a clean shutdown does. */
  async leave(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    await this.#options.store.leaseRevoke(lease, { signal: AbortSignal.timeout(2_000) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #beat(): Promise<void> {
    const { store, ttlSeconds, log } = this.#options;
    const signal = this.#abort.signal;
    const intervalMs = (ttlSeconds * 1_000) / 4;
    while (!signal.aborted) {
      await sleep(intervalMs, signal);
      if (signal.aborted) return;
      try {
        const lease = this.#lease;
        if (lease === undefined) {
          await this.#register(signal);
          continue;
        }
        const attempt = AbortSignal.any([signal, AbortSignal.timeout(ttlSeconds * 1_000)]);
        await store.leaseKeepAlive(lease, { signal: attempt });
        this.#lastContactMs = performance.now();
      } catch (error) {
        if (signal.aborted) return;
        if (codeOf(error) === "lease-not-found") {
          log.warn("the machine's lease is gone: registering anew");
          this.#lease = undefined;
          await this.#register(signal).catch((again: unknown) => {
            log.warn({ reason: messageOf(again) }, "could not register");
          });
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
        return await this.#register(signal);
      } catch (error) {
        signal.throwIfAborted();
        const duplicate = NodeError.is(error) && error.code === "duplicate-machine";
        if (duplicate && performance.now() > giveUpOnDuplicate) throw error;
        this.#options.log.warn({ reason: messageOf(error) }, "not registered yet");
        await sleep(250, signal);
      }
    }
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { store, keys, record, ttlSeconds, log } = this.#options;
    const key = keys.machine(record.id);
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    const known = await store.get(key, { signal: attempt });
    const other = known === null ? undefined : decodeRecord("machine", known.value);
    if (other !== undefined && other.directoryId !== record.directoryId) {
      throw new NodeError(
        "duplicate-machine",
        `machine ID ${record.id} is in use by ${other.name} (${other.api})`,
        { hint: "two machines share an ID: remove the copied machine-id from one data directory" },
      );
    }
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
    this.#lastContactMs = performance.now();
    log.info({ machine: record.id, ttlSeconds }, "registered");
    for (const listener of this.#listeners) listener(id);
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
