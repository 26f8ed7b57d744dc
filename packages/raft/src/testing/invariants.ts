import type { BasicStatus } from "../core/status.js";
import {
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  type NodeId,
  Role,
  type Snapshot,
  type Storage,
} from "../core/types.js";

/** A property of Raft that a run has broken. */
export class InvariantViolation extends Error {
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = "InvariantViolation";
    this.invariant = invariant;
  }
}

/** What a member has on its disk. */
export interface DurableState {
  readonly id: NodeId;
  readonly storage: Storage;
  readonly hardState: HardState;
}

/** A running member as far as it is watched. */
export interface Watched {
  confState(): ConfState;
  /** Term of an entry in its log, durable or not; −1 where there is none. */
  logTerm(index: number): number;
}

interface KnownEntry {
  readonly previousTerm: number;
  readonly entry: Entry;
}

interface Committed {
  readonly entry: Entry;
  readonly digest: number;
  /** The term in which it was first seen to be committed. */
  readonly term: number;
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.term !== b.term || a.index !== b.index || a.type !== b.type) return false;
  if (a.data === b.data) return true;
  return a.data.length === b.data.length && a.data.every((byte, i) => byte === b.data[i]);
}

function termAt(storage: Storage, index: number): number {
  if (index < storage.firstIndex() - 1 || index > storage.lastIndex()) return -1;
  return storage.term(index);
}

/**
 * Watches all members of a group and stops the run at the first event that breaks a safety
 * property of Raft (paper, figure 3, and what follows from it). Every check costs about as much
 * as what it watches.
 */
export class Invariants {
  readonly #leaders = new Map<number, NodeId>();
  /** By index, then by term: every entry that some log ever held. */
  readonly #entries = new Map<number, Map<number, KnownEntry>>();
  /** Entries that some member applied or some leader committed, by index. */
  readonly #committed = new Map<number, Committed>();
  readonly #statuses = new Map<NodeId, BasicStatus>();
  #lastCommitted = 0;

  /** The highest index that is known to be committed. */
  get lastCommitted(): number {
    return this.#lastCommitted;
  }

  /** A member starts, from this state on its disk. */
  started(status: BasicStatus): void {
    this.#statuses.set(status.id, status);
  }

  /** A member took a step; `disks` are everybody's. */
  stepped(status: BasicStatus, member: Watched, disks: ReadonlyMap<NodeId, DurableState>): void {
    const { id, term, commit, applied, role } = status;
    const before = this.#statuses.get(id);
    if (before !== undefined) {
      this.#check(term >= before.term, "term never goes back", `${id}: ${before.term} to ${term}`);
      this.#check(
        commit >= before.commit && applied >= before.applied,
        "commit and applied never go back",
        `${id}: ${before.commit}/${before.applied} to ${commit}/${applied}`,
      );
    }
    this.#check(applied <= commit, "applied is committed", `${id}: ${applied} > ${commit}`);
    this.#statuses.set(id, status);
    if (role !== Role.Leader) return;
    if (before === undefined || before.role !== Role.Leader || before.term !== term) {
      this.#elected(status, member);
    } else if (commit > before.commit) {
      this.#onDurableQuorum(status, member.confState(), disks);
    }
  }

  #elected({ id, term }: BasicStatus, member: Watched): void {
    const other = this.#leaders.get(term);
    this.#check(
      other === undefined || other === id,
      "one leader a term",
      `${other} and ${id} in term ${term}`,
    );
    this.#leaders.set(term, id);
    for (let index = this.#lastCommitted; index > 0; index--) {
      const committed = this.#committed.get(index);
      const own = member.logTerm(index);
      // From here on down its log was compacted: that was applied, and so has been compared.
      if (committed === undefined || (own < 0 && index < this.#lastCommitted)) return;
      // Late votes may yet elect a leader of a term that is over; it will commit nothing.
      if (committed.term >= term) continue;
      this.#check(
        own === committed.entry.term,
        "a leader holds every committed entry",
        `leader ${id} of term ${term} has term ${own} at ${index}, not ${committed.entry.term}`,
      );
    }
  }

  /** What a leader commits lies on the disks of a majority of each half of its configuration. */
  #onDurableQuorum(
    { id, term, commit }: BasicStatus,
    confState: ConfState,
    disks: ReadonlyMap<NodeId, DurableState>,
  ): void {
    for (const voters of [confState.voters, confState.votersOutgoing]) {
      if (voters.length === 0) continue;
      const holders = voters.filter((voter) => {
        const storage = disks.get(voter)?.storage;
        if (storage === undefined) return false;
        return commit < storage.firstIndex() || termAt(storage, commit) === term;
      });
      this.#check(
        holders.length * 2 > voters.length,
        "a commit lies on a durable quorum",
        `leader ${id} committed ${commit} of term ${term}, held by (${holders}) of (${voters})`,
      );
    }
  }

  /** A member is about to write to its disk. */
  persisting(
    disk: DurableState,
    hardState: HardState | null,
    snapshot: Snapshot | null,
    entries: readonly Entry[],
  ): void {
    const { id, storage, hardState: before } = disk;
    if (hardState !== null) {
      const { term, vote, commit } = hardState;
      this.#check(
        term >= before.term && commit >= before.commit,
        "durable term and commit never go back",
        `${id}: ${before.term}/${before.commit} to ${term}/${commit}`,
      );
      this.#check(
        term > before.term || before.vote === 0 || before.vote === vote,
        "one vote a term",
        `${id} voted for ${before.vote} and ${vote} in term ${term}`,
      );
    }
    const first = entries[0];
    if (first === undefined) return;
    this.#check(
      first.index > before.commit || storage.lastIndex() < first.index,
      "a committed entry is never replaced",
      `${id}: ${first.index} with commit ${before.commit}`,
    );
    // Entries that come with a snapshot follow it.
    const termBefore = snapshot?.metadata.term ?? termAt(storage, first.index - 1);
    this.#logMatching(id, termBefore, entries);
  }

  #logMatching(id: NodeId, termBefore: number, entries: readonly Entry[]): void {
    let previousTerm = termBefore;
    let changes = 0;
    for (const entry of entries) {
      let terms = this.#entries.get(entry.index);
      if (terms === undefined) {
        terms = new Map();
        this.#entries.set(entry.index, terms);
      }
      const known = terms.get(entry.term);
      if (known === undefined) {
        terms.set(entry.term, { previousTerm, entry });
      } else {
        this.#check(
          sameEntry(known.entry, entry) &&
            (known.previousTerm === previousTerm || known.previousTerm < 0 || previousTerm < 0),
          "log matching",
          `${id}: entry ${entry.index} of term ${entry.term} differs, or what it follows does`,
        );
      }
      if (entry.type !== EntryType.Normal && entry.index > this.#lastCommitted) changes++;
      previousTerm = entry.term;
    }
    this.#check(changes <= 1, "one configuration change at a time", `${id} holds ${changes}`);
  }

  /** A member in this term applied an entry; `digest` is of its whole state. */
  applied(id: NodeId, term: number, entry: Entry, digest: number): void {
    const known = this.#committed.get(entry.index);
    if (known === undefined) {
      this.#committed.set(entry.index, { entry, digest, term });
      this.#lastCommitted = Math.max(this.#lastCommitted, entry.index);
      return;
    }
    this.#check(
      sameEntry(known.entry, entry),
      "members apply the same entries",
      `${id}: entry ${entry.index} of term ${entry.term}, elsewhere of ${known.entry.term}`,
    );
    this.#check(known.digest === digest, "members reach the same state", `${id} at ${entry.index}`);
  }

  /** A member took over a snapshot. */
  restored(id: NodeId, { metadata }: Snapshot, digest: number): void {
    const known = this.#committed.get(metadata.index);
    if (known === undefined) return;
    this.#check(
      known.entry.term === metadata.term && known.digest === digest,
      "a snapshot is of committed state",
      `${id} at ${metadata.index}`,
    );
  }

  /** A member is about to send a message. */
  sending(disk: DurableState, message: Message): void {
    const { type, term, from, to, index, reject } = message;
    if (reject) return;
    const { storage, hardState } = disk;
    switch (type) {
      case MessageType.VoteResp:
        this.#check(
          hardState.term > term || (hardState.term === term && hardState.vote === to),
          "a vote is durable before it is sent",
          `${from} for ${to} in term ${term}`,
        );
        return;
      case MessageType.AppResp:
        // One for an older term may speak of entries that a newer leader replaced while all of it
        // waited for one write. That is harmless: without this member's vote that leader has won
        // a majority of which none can have acknowledged them.
        this.#check(
          hardState.term > term || index <= storage.lastIndex(),
          "an append is durable before it is acknowledged",
          `${from} acknowledged ${index} of ${storage.lastIndex()}`,
        );
        return;
      default:
    }
  }

  #check(holds: boolean, invariant: string, detail: string): void {
    if (!holds) throw new InvariantViolation(invariant, detail);
  }
}
