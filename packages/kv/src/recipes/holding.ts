import type { Compare } from "../api/types.js";
import type { BytesLike, KeyValue } from "../client/key-value.js";
import { leave, type Place, standInLine, stands, untilFirst } from "./queue.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

/**
 * What only one can have at a time, had by this one. A lease alone cannot keep out a holder that
 * stood still and goes on (Jepsen, etcd 3.4.3): so whatever is done under it carries its proof. In
 * the same store that is `guard()` in every transaction; elsewhere it is `token`, which only grows:
 * what is protected refuses a token lower than the highest that it has seen.
 */
export abstract class Holding {
  readonly name: string;
  /** The fencing token: higher than that of every holder before. */
  readonly token: number;
  /** Aborts once it is or may be lost. */
  readonly lost: AbortSignal;
  protected readonly kv: KeyValue;
  protected readonly place: Place;
  protected readonly session: Session;

  /** Use `acquireLock` or `campaign`. */
  constructor({ kv, name, place, session }: HoldingParts) {
    this.name = name;
    this.token = place.revision;
    this.lost = session.lost;
    this.kv = kv;
    this.place = place;
    this.session = session;
  }

  /** Holds exactly while this one has it. */
  guard(): Compare {
    return stands(this.place);
  }

  protected async giveUp(): Promise<void> {
    if (!this.lost.aborted) await leave(this.kv, this.place);
    await this.session.close();
  }
}

export interface HoldingParts {
  readonly kv: KeyValue;
  readonly name: string;
  readonly place: Place;
  readonly session: Session;
}

/** Waits in line until first. Whatever ends the wait, nothing is left behind. */
export async function obtain(
  kv: KeyValue,
  name: string,
  value: BytesLike,
  options: SessionOptions,
): Promise<HoldingParts> {
  const session = await openSession(kv, options);
  const signal = AbortSignal.any([session.lost, ...(options.signal ? [options.signal] : [])]);
  try {
    const place = await standInLine(kv, name, session.lease, value, { signal });
    await untilFirst(kv, name, place, { signal });
    signal.throwIfAborted();
    return { kv, name, place, session };
  } catch (error) {
    // The lease ends by itself where the store cannot be told.
    await session.close().catch(() => {});
    throw signal.aborted ? signal.reason : error;
  }
}
