import type { Compare, KeyValuePair } from "../api/types.js";
import type { BytesLike, CallOptions, KeyValue } from "../client/key-value.js";
import { toBytes } from "../client/keys.js";
import { firstOf, leave, type Place, queueOf, standInLine, stands, untilFirst } from "./queue.js";
import { openSession, type Session, type SessionOptions } from "./session.js";
import { transaction } from "./transaction.js";

/** An office that is held: who leads by it, until `lost` aborts or it is resigned. */
export class Leadership implements AsyncDisposable {
  readonly name: string;
  /** The fencing token: higher than that of every leader before. */
  readonly token: number;
  /** Aborts once another may lead. */
  readonly lost: AbortSignal;
  readonly #kv: KeyValue;
  readonly #place: Place;
  readonly #session: Session;

  /** Use {@link campaign}. */
  constructor(kv: KeyValue, name: string, place: Place, session: Session) {
    this.#kv = kv;
    this.name = name;
    this.#place = place;
    this.#session = session;
    this.token = place.revision;
    this.lost = session.lost;
  }

  /** Holds exactly while this leader leads: put it into every transaction that only a leader may do. */
  guard(): Compare {
    return stands(this.#place);
  }

  /** Changes what the leader says of itself; false when it leads no more. */
  async proclaim(value: BytesLike, options?: CallOptions): Promise<boolean> {
    const { lease } = this.#session;
    const { succeeded } = await transaction(this.#kv)
      .when(this.guard())
      .do({
        op: {
          type: "put",
          request: { key: toBytes(this.#place.key), value: toBytes(value), lease },
        },
      })
      .commit(options);
    return succeeded;
  }

  /** Lets the next one lead. */
  async resign(): Promise<void> {
    if (!this.lost.aborted) await leave(this.#kv, this.#place);
    await this.#session.close();
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
  const session = await openSession(kv, options);
  try {
    const signal = AbortSignal.any([session.lost, ...(options.signal ? [options.signal] : [])]);
    const place = await standInLine(kv, name, session.lease, value, { signal });
    await untilFirst(kv, name, place, { signal });
    signal.throwIfAborted();
    return new Leadership(kv, name, place, session);
  } catch (error) {
    await session.close().catch(() => {});
    throw error;
  }
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
