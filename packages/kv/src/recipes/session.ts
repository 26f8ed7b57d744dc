import { KvError } from "../api/errors.js";
import type { LeaseId } from "../api/types.js";
import type { CallOptions, KeyValue } from "../client/key-value.js";

/** Renewals in the time of one TTL: two may fail before the lease is in danger. */
const RENEWALS_PER_TTL = 3;
/** Shortest pause between attempts, milliseconds. */
const MIN_PAUSE_MS = 100;

export interface SessionOptions extends CallOptions {
  /** Seconds that the lease outlives its last renewal; 10 by default. A store may raise it. */
  readonly ttl?: number;
}

/**
 * A lease that is kept alive, and that tells when it is lost: `lost` aborts before the store can
 * have let the lease end, because its time is counted from when the last answered renewal was
 * *sent*. What the lease protects must stop then (a process that stood still, by SIGSTOP or a
 * paused machine, learns of it late: writes need the fencing of {@link Lock.guard} besides).
 *
 * @example
 * ```ts
 * await using session = await openSession(kv, { ttl: 10 });
 * await kv.put("services/web/1", "10.0.0.7:8080", { lease: session.lease });
 * session.lost.addEventListener("abort", () => registerAnew());
 * ```
 */
export class Session implements AsyncDisposable {
  readonly lease: LeaseId;
  /** Aborts with a KvError `lease-not-found` once the lease is or may be gone; never by `close`. */
  readonly lost: AbortSignal;
  readonly #kv: KeyValue;
  readonly #lost = new AbortController();
  readonly #closed = new AbortController();
  #ttlMs: number;
  #deadline: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();

  /** Use {@link openSession}. `sentAt` is when the lease was asked for, by `performance.now()`. */
  constructor(kv: KeyValue, lease: LeaseId, ttl: number, sentAt: number) {
    this.#kv = kv;
    this.lease = lease;
    this.lost = this.#lost.signal;
    this.#ttlMs = ttl * 1000;
    this.#renewed(sentAt);
  }

  /** Ends the lease, and with it all keys on it. Its loss is no error. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#stop();
    await this.#renewing;
    if (this.lost.aborted) return;
    try {
      await this.#kv.leaseRevoke(this.lease);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Counts the lease's time anew from `sentAt`. */
  #renewed(sentAt: number): void {
    clearTimeout(this.#deadline);
    const left = sentAt + this.#ttlMs - performance.now();
    this.#deadline = setTimeout(() => this.#lose("was not renewed in time"), left);
    this.#deadline.unref();
    this.#renewAfter(this.#ttlMs / RENEWALS_PER_TTL - (performance.now() - sentAt));
  }

  #renewAfter(ms: number): void {
    if (this.#closed.signal.aborted) return;
    this.#renewal = setTimeout(
      () => {
        this.#renewing = this.#renew();
      },
      Math.max(ms, MIN_PAUSE_MS),
    );
    this.#renewal.unref();
  }

  async #renew(): Promise<void> {
    const sentAt = performance.now();
    try {
      const ttl = await this.#kv.leaseKeepAlive(this.lease, { signal: this.#closed.signal });
      if (this.#closed.signal.aborted) return;
      this.#ttlMs = ttl * 1000;
      this.#renewed(sentAt);
    } catch (error) {
      if (isGone(error)) this.#lose("is gone");
      else this.#renewAfter(this.#ttlMs / (RENEWALS_PER_TTL * 5));
    }
  }

  #lose(what: string): void {
    this.#stop();
    this.#lost.abort(new KvError("lease-not-found", `lease ${this.lease.toString(16)} ${what}`));
  }

  #stop(): void {
    this.#closed.abort();
    clearTimeout(this.#deadline);
    clearTimeout(this.#renewal);
  }
}

function isGone(error: unknown): boolean {
  return KvError.is(error) && error.code === "lease-not-found";
}

/**
 * Takes a lease and keeps it alive until it is closed or lost.
 *
 * @throws KvError when the lease cannot be had
 */
export async function openSession(kv: KeyValue, options: SessionOptions = {}): Promise<Session> {
  const { ttl = 10, signal } = options;
  const sentAt = performance.now();
  const granted = await kv.leaseGrant(ttl, signal ? { signal } : {});
  return new Session(kv, granted.id, granted.ttl, sentAt);
}
