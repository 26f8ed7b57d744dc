import type { KeyValuePair } from "../api/types.js";
import type { BytesLike, CallOptions, KeyValue } from "../client/key-value.js";
import { Holding, obtain } from "./holding.js";
import { firstOf, queueOf } from "./queue.js";
import type { SessionOptions } from "./session.js";
import { put, transaction } from "./transaction.js";

/** Leadership that was won, until `lost` aborts or it is resigned. Use {@link campaign}. */
export class Leadership extends Holding implements AsyncDisposable {
  /** Changes what the leader says of itself; false when it leads no more. */
  async proclaim(value: BytesLike, options?: CallOptions): Promise<boolean> {
    const { lease } = this.session;
    const { succeeded } = await transaction(this.kv)
      .when(this.guard())
      .do(put(this.place.key, value, { lease }))
      .commit(options);
    return succeeded;
  }

  /** Lets the next one lead. */
  async resign(): Promise<void> {
    await this.giveUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }
}

/**
 * Stands for election and waits until it is won: at most one candidate has the oldest key. With
 * `etcdctl elect` and etcd's Go clients of the same name it is one election.
 *
 * @throws the signal's reason; KvError. Nothing is left behind then.
 *
 * @example
 * ```ts
 * await using leadership = await campaign(kv, "jobs/leader", "10.0.0.7", { ttl: 5 });
 * await work({ signal: leadership.lost, guard: leadership.guard() });
 * ```
 */
export async function campaign(
  kv: KeyValue,
  name: string,
  value: BytesLike,
  options: SessionOptions = {},
): Promise<Leadership> {
  return new Leadership(await obtain(kv, name, value, options));
}

/** Who leads now, or null. */
export async function leaderOf(
  kv: KeyValue,
  name: string,
  options: CallOptions = {},
): Promise<KeyValuePair | null> {
  return (await firstOf(kv, name, options)).first;
}

/**
 * Every leader and proclamation from now on, the present one first; null while nobody leads. A
 * leader that came and went between two looks may be left out. Ends when `signal` aborts.
 */
export async function* observe(
  kv: KeyValue,
  name: string,
  options: CallOptions = {},
): AsyncGenerator<KeyValuePair | null, void, undefined> {
  let { first, revision } = await firstOf(kv, name, options);
  yield first;
  const watch = kv.watch(queueOf(name), { prefix: true, startRevision: revision + 1, ...options });
  for await (const batch of watch) {
    if (batch.events.length === 0 || batch.revision <= revision) continue;
    const next = await firstOf(kv, name, options);
    revision = next.revision;
    if (next.first?.modRevision === first?.modRevision) continue;
    first = next.first;
    yield first;
  }
}
