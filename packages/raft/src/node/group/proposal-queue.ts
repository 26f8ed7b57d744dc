import {
  type ConfChange,
  createMessage,
  type Entry,
  EntryType,
  encodeConfChange,
  type Message,
  MessageType,
  type NodeId,
  RaftError,
  type RawNode,
  Role,
} from "../../index.js";
import { idOf, refusalOf, refusedIn } from "../transport/refusal.js";
import type { ProposalId, Proposals } from "./proposals.js";

/** Bytes of proposals in one message to the core or the leader. */
const BATCH_BYTES = 1024 * 1024;

/** A proposal that waits for the turn's message to the core. */
interface Queued {
  readonly id: ProposalId;
  readonly type: EntryType;
  readonly data: Uint8Array;
  /** Null when it may be forwarded; else the term it asks for, 0 for any. */
  readonly leaderTerm: number | null;
}

/**
 * Hands proposals to the core: those of one turn of the event loop in as few messages as may be.
 *
 * A follower's message says, in `logTerm`, which term's leader it is for, and only that leader
 * appends what is in it: so whoever sees a later term begin knows that what did not come before
 * is lost. A leader that does not append it answers with a message that names what it refused.
 */
export class ProposalQueue {
  readonly #id: NodeId;
  readonly #raw: RawNode;
  readonly #waiting: Proposals;
  readonly #send: (message: Message) => void;
  #queue: Queued[] = [];
  /** Membership changes given to the core as the leader of `term` and not seen in the log. */
  #changes: { readonly id: ProposalId; readonly term: number }[] = [];

  constructor(
    id: NodeId,
    raw: RawNode,
    waiting: Proposals,
    /** To a peer, with the next turn. */
    send: (message: Message) => void,
  ) {
    this.#id = id;
    this.#raw = raw;
    this.#waiting = waiting;
    this.#send = send;
  }

  add(id: ProposalId, data: Uint8Array, leaderTerm: number | null): void {
    this.#queue.push({ id, type: EntryType.Normal, data, leaderTerm });
  }

  change(id: ProposalId, change: ConfChange): void {
    const data = encodeConfChange(change);
    this.#queue.push({ id, type: EntryType.ConfChangeV2, data, leaderTerm: null });
  }

  /**
   * Takes a peer's message: proposals that it forwards, to be refused where `refusal` says why, or
   * the refusal of proposals that were forwarded to it.
   */
  receive(message: Message, refusal: string | null): void {
    if (message.reject) {
      const { ids, why } = refusedIn(message);
      for (const id of ids) this.#waiting.fail(id, dropped(`member ${message.from}: ${why}`));
      return;
    }
    const { role, term } = this.#raw.basicStatus();
    const ours = role === Role.Leader && term === message.logTerm;
    const why = ours ? refusal : `it does not lead in term ${message.logTerm}`;
    const error = why === null ? this.#tryStep(message) : dropped(why);
    if (error) this.#refuse(message.from, message.entries.map(idOf), error.message);
    else {
      const changes = message.entries.filter(({ type }) => type !== EntryType.Normal);
      for (const change of changes) this.#changes.push({ id: idOf(change), term });
    }
  }

  /** A membership change is in the log. */
  changeLogged({ origin, epoch, sequence }: ProposalId): void {
    this.#changes = this.#changes.filter(
      ({ id }) => id.sequence !== sequence || id.epoch !== epoch || id.origin !== origin,
    );
  }

  /** The core turns a change that it refuses into an empty entry: one that is not in the log by now was refused. */
  refuseUnlogged(): void {
    if (this.#changes.length === 0) return;
    const { role, term: now } = this.#raw.basicStatus();
    for (const { id, term } of this.#changes.splice(0)) {
      // A new leader's entries may have replaced it before it was written here, but after it was
      // sent to others. What became of it shows when the new term begins.
      if (role !== Role.Leader || term !== now) continue;
      this.#refuse(
        id.origin,
        [id],
        "another change of membership is under way, or this one is not possible",
      );
    }
  }

  flush(): void {
    if (this.#queue.length === 0) return;
    const { role, term } = this.#raw.basicStatus();
    const leads = role === Role.Leader;
    let batch: Queued[] = [];
    let bytes = 0;
    for (const queued of this.#queue.splice(0)) {
      const { leaderTerm, id, data } = queued;
      if (leaderTerm !== null && (!leads || (leaderTerm !== 0 && leaderTerm !== term))) {
        this.#waiting.fail(id, dropped("this member is not the leader, or not in that term"));
        continue;
      }
      if (bytes + data.length > BATCH_BYTES && batch.length > 0) {
        this.#step(batch, term, leads);
        batch = [];
        bytes = 0;
      }
      batch.push(queued);
      bytes += data.length;
    }
    if (batch.length > 0) this.#step(batch, term, leads);
  }

  clear(): void {
    this.#queue = [];
    this.#changes = [];
  }

  #step(batch: readonly Queued[], term: number, leads: boolean): void {
    const entries = batch.map(({ type, data }): Entry => ({ term: 0, index: 0, type, data }));
    const fields = { type: MessageType.Prop, from: this.#id, logTerm: term, entries };
    const error = this.#tryStep(createMessage(fields));
    for (const { id, type } of batch) {
      if (error) this.#waiting.fail(id, error);
      else this.#waiting.bind(id, term);
      if (!error && leads && type !== EntryType.Normal) this.#changes.push({ id, term });
    }
  }

  /** All of a message is taken, or nothing. */
  #tryStep(message: Message): RaftError | null {
    try {
      this.#raw.step(message);
      return null;
    } catch (error) {
      if (RaftError.is(error) && error.code === "proposal-dropped") return error;
      throw error;
    }
  }

  #refuse(origin: NodeId, ids: readonly ProposalId[], why: string): void {
    if (origin !== this.#id) this.#send(refusalOf(this.#id, origin, ids, why));
    else for (const id of ids) this.#waiting.fail(id, dropped(why));
  }
}

function dropped(why: string): RaftError {
  return new RaftError("proposal-dropped", why);
}
