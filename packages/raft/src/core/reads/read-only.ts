import { jointIndex } from "../quorum/joint.js";
import type { Membership } from "../tracker/tracker.js";
import type { Message, NodeId } from "../types.js";

interface PendingRead {
  /** Null for a round that only renews the lease. */
  readonly request: Message | null;
  /** The commit index when the request came: what a reader must have applied. */
  readonly index: number;
  /** The leader's tick when it came. */
  readonly tick: number;
}

const TOKEN_BYTES = 8;
const TWO_32 = 2 ** 32;

function encodeToken(position: number): Uint8Array {
  const bytes = new Uint8Array(TOKEN_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, position % TWO_32, true);
  view.setUint32(4, Math.floor(position / TWO_32), true);
  return bytes;
}

function decodeToken(bytes: Uint8Array): number {
  if (bytes.length !== TOKEN_BYTES) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, TOKEN_BYTES);
  return view.getUint32(0, true) + view.getUint32(4, true) * TWO_32;
}

/**
 * Reads that wait until a quorum confirms that the leader still is one (Raft dissertation,
 * section 6.4). Each gets a position in the leadership's queue of reads. Heartbeats carry the
 * last position as their token, so that one answered heartbeat confirms every read before it;
 * tokens are the leader's own and grow, so a reader that reuses its context harms nobody.
 */
export class ReadOnly {
  readonly #acks = new Map<NodeId, number>();
  readonly #ackOf = (id: NodeId): number => this.#acks.get(id) ?? 0;
  #unconfirmed: PendingRead[] = [];
  #confirmed = 0;

  get waiting(): number {
    return this.#unconfirmed.length;
  }

  add(request: Message | null, index: number, tick: number): void {
    this.#unconfirmed.push({ request, index, tick });
  }

  /** Notes that `from` answered a heartbeat with this token. */
  acknowledge(from: NodeId, token: Uint8Array | null): void {
    if (token === null || token.length === 0) return;
    this.#acks.set(from, Math.max(this.#ackOf(from), decodeToken(token)));
  }

  /** Takes out the reads that a quorum has confirmed by now, in the order they came. */
  takeConfirmed(membership: Membership): PendingRead[] {
    const acked = jointIndex(membership.incoming, membership.outgoing, this.#ackOf);
    const count = Math.min(acked - this.#confirmed, this.#unconfirmed.length);
    if (count <= 0) return [];
    this.#confirmed += count;
    return this.#unconfirmed.splice(0, count);
  }

  /** What a heartbeat must carry to confirm all reads that wait; null when none does. */
  token(): Uint8Array | null {
    if (this.#unconfirmed.length === 0) return null;
    return encodeToken(this.#confirmed + this.#unconfirmed.length);
  }
}
