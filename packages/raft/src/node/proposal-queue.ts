import {
  type ConfChange,
  createMessage,
  EntryType,
  MessageType,
  type NodeId,
  RaftError,
  type RawNode,
  Role,
} from "../index.js";
import type { ProposalId, Proposals } from "./proposals.js";

/** Bytes of proposals in one message to the core or the leader. */
const BATCH_BYTES = 1024 * 1024;

/** A proposal that waits for the turn's message to the core. */
interface Queued {
  readonly id: ProposalId;
  readonly data: Uint8Array;
  /** Null when it may be forwarded; else the term it asks for, 0 for any. */
  readonly leaderTerm: number | null;
}

/** Hands proposals to the core: those of one turn of the event loop in as few messages as may be. */
export class ProposalQueue {
  readonly #id: NodeId;
  readonly #raw: RawNode;
  readonly #waiting: Proposals;
  #queue: Queued[] = [];
  /** Membership changes given to the core as the leader and not seen in the log. */
  #changes: ProposalId[] = [];

  constructor(id: NodeId, raw: RawNode, waiting: Proposals) {
    this.#id = id;
    this.#raw = raw;
    this.#waiting = waiting;
  }

  add(id: ProposalId, data: Uint8Array, leaderTerm: number | null): void {
    this.#queue.push({ id, data, leaderTerm });
  }

  /** Gives a membership change to the core at once. */
  change(id: ProposalId, change: ConfChange): void {
    try {
      this.#raw.proposeConfChange(change);
      if (this.#raw.basicStatus().role === Role.Leader) this.#changes.push(id);
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      this.#waiting.fail(id, error);
    }
  }

  changeLogged(id: ProposalId): void {
    this.#changes = this.#changes.filter((one) => one.sequence !== id.sequence);
  }

  /** The core turns a change that it refuses into an empty entry: one that is not in the log by now was refused. */
  refuseUnlogged(): void {
    for (const id of this.#changes.splice(0)) {
      const message = "another change of membership is under way, or this one is not possible";
      this.#waiting.fail(id, new RaftError("proposal-dropped", message));
    }
  }

  flush(): void {
    if (this.#queue.length === 0) return;
    const status = this.#raw.basicStatus();
    const term = status.role === Role.Leader ? status.term : 0;
    let batch: Queued[] = [];
    let bytes = 0;
    for (const queued of this.#queue.splice(0)) {
      const { leaderTerm, id, data } = queued;
      if (leaderTerm !== null && (term === 0 || (leaderTerm !== 0 && leaderTerm !== term))) {
        const message = "this member is not the leader, or not in that term";
        this.#waiting.fail(id, new RaftError("proposal-dropped", message));
        continue;
      }
      if (bytes + data.length > BATCH_BYTES && batch.length > 0) {
        this.#step(batch, term);
        batch = [];
        bytes = 0;
      }
      batch.push(queued);
      bytes += data.length;
    }
    if (batch.length > 0) this.#step(batch, term);
  }

  clear(): void {
    this.#queue = [];
    this.#changes = [];
  }

  #step(batch: readonly Queued[], term: number): void {
    const entries = batch.map(({ data }) => {
      return { term: 0, index: 0, type: EntryType.Normal, data };
    });
    try {
      this.#raw.step(createMessage({ type: MessageType.Prop, from: this.#id, entries }));
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      for (const { id } of batch) this.#waiting.fail(id, error);
      return;
    }
    if (term > 0) for (const { id } of batch) this.#waiting.appended(id, term);
  }
}
