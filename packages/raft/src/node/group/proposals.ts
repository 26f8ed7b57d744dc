import { randomInt } from "node:crypto";
import { type NodeId, RaftError, type RaftErrorCode } from "../../index.js";
import type { RaftMetrics } from "../metrics/types.js";
import { getUint64, setUint64 } from "../wal/frame.js";

/** Who proposed an entry: its waiter is found again by this when the entry is applied. */
export interface ProposalId {
  readonly origin: NodeId;
  /** Random for each start of the member, so that a restarted one never takes an old entry for its own. */
  readonly epoch: number;
  readonly sequence: number;
}

/*
 * On the log: u8 kind, 7 bytes zero (room for flags), u64 origin, u64 epoch, u64 sequence,
 * then the command's own bytes. Little-endian.
 */
const HEADER = 32;
const KIND_COMMAND = 1;

/** Puts a command in its envelope. */
export function wrapCommand(id: ProposalId, command: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + command.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = KIND_COMMAND;
  setUint64(view, 8, id.origin);
  setUint64(view, 16, id.epoch);
  setUint64(view, 24, id.sequence);
  bytes.set(command, HEADER);
  return bytes;
}

/** Takes an envelope apart; the command is a view. An unknown kind must stop the apply: it throws. */
export function unwrapCommand(
  data: Uint8Array,
  index: number,
): { id: ProposalId; command: Uint8Array } {
  if (data.length < HEADER || data[0] !== KIND_COMMAND) {
    const kind = `entry ${index} is of kind ${data[0]}`;
    throw new RaftError("corrupt", `${kind}, which this version cannot apply`);
  }
  const view = new DataView(data.buffer, data.byteOffset, HEADER);
  const id = {
    origin: getUint64(view, 8),
    epoch: getUint64(view, 16),
    sequence: getUint64(view, 24),
  };
  return { id, command: data.subarray(HEADER) };
}

interface Waiter {
  /** What the proposal counts for while it waits. */
  readonly bytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
  /** The only term in which it can be appended, here or at the leader it went to; 0 while it waits here. */
  term: number;
  release: (() => void) | null;
}

/** What the proposals of a member that wait for a result may come to. */
export interface ProposalBounds {
  readonly count: number;
  readonly bytes: number;
}

/** The proposals of this member that wait for their entry to be applied. */
export class Proposals {
  readonly #origin: NodeId;
  readonly #bounds: ProposalBounds;
  readonly #metrics: RaftMetrics | undefined;
  readonly #epoch: number = randomInt(2 ** 47);
  /** In order of their deadlines, which all are the same span ahead. */
  readonly #waiters: Map<number, Waiter> = new Map();
  #sequence = 0;
  #bytes = 0;

  constructor(origin: NodeId, bounds: ProposalBounds, metrics: RaftMetrics | undefined) {
    this.#origin = origin;
    this.#bounds = bounds;
    this.#metrics = metrics;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Bytes of all that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws RaftError `proposal-dropped` when one more of `bytes` would go over a bound */
  checkRoom(bytes: number): void {
    const { count, bytes: most } = this.#bounds;
    if (this.#waiters.size >= count) {
      this.#metrics?.count("proposals_dropped", 1);
      throw new RaftError("proposal-dropped", `maxPendingProposals, ${count}, are waiting`);
    }
    // One alone may be larger: it would never get in.
    if (this.#bytes > 0 && this.#bytes + bytes > most) {
      this.#metrics?.count("proposals_dropped", 1);
      const message = `${this.#bytes} bytes are waiting, of maxPendingBytes, ${most}`;
      throw new RaftError("proposal-dropped", message);
    }
  }

  /** A new identity and the promise for its result. `bytes` is what was checked. */
  open<T>(
    bytes: number,
    deadline: number,
    signal: AbortSignal | undefined,
  ): { id: ProposalId; result: Promise<T> } {
    const sequence = ++this.#sequence;
    const id = { origin: this.#origin, epoch: this.#epoch, sequence };
    const result = new Promise<T>((resolve, reject) => {
      this.#bytes += bytes;
      const waiter: Waiter = {
        bytes,
        resolve: resolve as (result: unknown) => void,
        reject,
        deadline,
        term: 0,
        release: null,
      };
      this.#waiters.set(sequence, waiter);
      if (!signal) return;
      const abort = (): void => {
        const cause = { cause: signal.reason };
        this.fail(id, new RaftError("proposal-uncertain", "the caller stopped waiting", cause));
      };
      signal.addEventListener("abort", abort, { once: true });
      waiter.release = () => signal.removeEventListener("abort", abort);
    });
    return { id, result };
  }

  /** This member appended the proposal as the leader of `term`, or sent it to that leader. */
  bind(id: ProposalId, term: number): void {
    const waiter = this.#waiters.get(id.sequence);
    if (waiter) waiter.term = term;
  }

  /** Its entry was applied. Other members' proposals are no concern of this one. */
  settle(id: ProposalId, result: unknown): void {
    if (!this.#mine(id)) return;
    const waiter = this.#take(id.sequence);
    if (!waiter) return;
    this.#metrics?.count("proposals_committed", 1);
    waiter.resolve(result);
  }

  fail(id: ProposalId, error: RaftError): void {
    if (this.#mine(id)) this.#reject(id.sequence, error);
  }

  /**
   * The first entry of `term` was applied: what could only be appended in an earlier term and is
   * not applied by now is in no log that can still be committed.
   */
  termBegan(term: number): void {
    for (const [sequence, waiter] of this.#waiters) {
      if (waiter.term === 0 || waiter.term >= term) continue;
      const message = `lost: the leader of term ${waiter.term} was replaced before it was committed`;
      this.#reject(sequence, new RaftError("proposal-dropped", message));
    }
  }

  expire(now: number): void {
    for (const [sequence, waiter] of this.#waiters) {
      if (waiter.deadline > now) return;
      const message = "no answer in time: it may or may not take effect";
      this.#reject(sequence, new RaftError("proposal-uncertain", message));
    }
  }

  failAll(code: RaftErrorCode, message: string, cause?: unknown): void {
    for (const sequence of [...this.#waiters.keys()]) {
      this.#reject(sequence, new RaftError(code, message, { cause }));
    }
  }

  #mine(id: ProposalId): boolean {
    return id.origin === this.#origin && id.epoch === this.#epoch;
  }

  #reject(sequence: number, error: RaftError): void {
    const waiter = this.#take(sequence);
    if (!waiter) return;
    const dropped = error.code === "proposal-dropped";
    this.#metrics?.count(dropped ? "proposals_dropped" : "proposals_uncertain", 1);
    waiter.reject(error);
  }

  #take(sequence: number): Waiter | undefined {
    const waiter = this.#waiters.get(sequence);
    if (!waiter) return undefined;
    this.#waiters.delete(sequence);
    this.#bytes -= waiter.bytes;
    waiter.release?.();
    return waiter;
  }
}
