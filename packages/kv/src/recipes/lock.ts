import type { KeyValue } from "../client/key-value.js";
import { Holding, obtain } from "./holding.js";
import type { SessionOptions } from "./session.js";

/** A lock that is held. Use {@link acquireLock}. */
export class Lock extends Holding implements AsyncDisposable {
  /** Lets the next one have it. */
  async release(): Promise<void> {
    await this.giveUp();
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
  return new Lock(await obtain(kv, name, "", options));
}
