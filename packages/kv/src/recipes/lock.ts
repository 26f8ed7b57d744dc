import type { Compare } from "../api/types.js";
import type { KeyValue } from "../client/key-value.js";
import { leave, type Place, standInLine, stands, untilFirst } from "./queue.js";
import type { Session } from "./session.js";
import { openSession, type SessionOptions } from "./session.js";

/**
 * A lock that is held. A lock by lease alone cannot keep out a holder that stood still and goes on
 * (Jepsen, etcd 3.4.3): so whatever is done under it carries its proof. In the same store that is
 * `guard()` in every transaction; elsewhere it is `token`, which only grows: what is protected
 * refuses a token lower than the highest that it has seen.
 */
export class Lock implements AsyncDisposable {
  readonly name: string;
  /** The fencing token: higher than that of every holder before. */
  readonly token: number;
  /** Aborts once the lock is or may be lost. */
  readonly lost: AbortSignal;
  readonly #kv: KeyValue;
  readonly #place: Place;
  readonly #session: Session;

  /** Use {@link acquireLock}. */
  constructor(kv: KeyValue, name: string, place: Place, session: Session) {
    this.#kv = kv;
    this.name = name;
    this.#place = place;
    this.#session = session;
    this.token = place.revision;
    this.lost = session.lost;
  }

  /** Holds exactly while this lock is held. */
  guard(): Compare {
    return stands(this.#place);
  }

  /** Lets the next one have it. */
  async release(): Promise<void> {
    if (!this.lost.aborted) await leave(this.#kv, this.#place);
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/**
 * Waits for a lock; those who wait get it in the order in which they came. `etcdctl lock` with the
 * same name takes part.
 *
 * @throws the signal's reason; KvError. Nothing is left behind then.
 *
 * @example
 * ```ts
 * await using lock = await acquireLock(kv, "locks/report", { ttl: 10 });
 * const { succeeded } = await transaction(kv).when(lock.guard()).do(put("report", text)).commit();
 * if (!succeeded) throw new Error("the lock was lost meanwhile");
 * ```
 */
export async function acquireLock(
  kv: KeyValue,
  name: string,
  options: SessionOptions = {},
): Promise<Lock> {
  const session = await openSession(kv, options);
  try {
    const signal = AbortSignal.any([session.lost, ...(options.signal ? [options.signal] : [])]);
    const place = await standInLine(kv, name, session.lease, "", { signal });
    await untilFirst(kv, name, place, { signal });
    signal.throwIfAborted();
    return new Lock(kv, name, place, session);
  } catch (error) {
    // The lease ends by itself where this cannot be told.
    await session.close().catch(() => {});
    throw error;
  }
}

/** Runs `work` under a lock; `work` gets it, and must stop when `lock.lost` aborts. */
export async function withLock<T>(
  kv: KeyValue,
  name: string,
  options: SessionOptions,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  await using lock = await acquireLock(kv, name, options);
  return await work(lock);
}

