import type { BasicStatus } from "../../core/status.js";
import {
  type Entry,
  type HardState,
  type Message,
  MessageType,
  type NodeId,
  Role,
  type Snapshot,
} from "../../core/types.js";
import { CommittedLog } from "./committed-log.js";
import { KnownEntries } from "./known-entries.js";
import { violated } from "./violation.js";
import { durableTerm, sameEntry, type Watched } from "./watched.js";

const NOTHING_DURABLE: HardState = { term: 0, vote: 0, commit: 0 };

/**
 * Watches all members of a group and stops the run at the first event that breaks a safety
 * property of Raft (paper, figure 3, and what follows from it). Every check costs about as much
 * as what it watches.
 *
 * - one leader a term; one vote a term; term, vote, commit and applied never go back, nor does what
 *   is durable, over restarts either
 * - log matching; a leader holds every committed entry
 * - members apply the same entries and reach the same state; a snapshot is of committed state
 * - committed entries never change, are never replaced on a disk, and lie on a durable quorum when
 *   their leader commits them
 * - votes and acknowledgements are durable before they are sent
 * - purged ≤ snapshot ≤ applied ≤ commit ≤ last
 * - one configuration change at a time
 * - no two valid leases
 */
export class Invariants {
  readonly #leaders = new Map<number, NodeId>();
  readonly #entries = new KnownEntries();
  readonly #committed = new CommittedLog();
  readonly #statuses = new Map<NodeId, BasicStatus>();
  /** Leaders that would answer a read without asking anybody. */
  readonly #leases = new Set<NodeId>();
  /** By member's ID, whoever bears it. */
  readonly #durable = new Map<NodeId, HardState>();

  /** The highest index that is known to be committed. */
  get lastCommitted(): number {
    return this.#committed.last;
  }

  /** What a member was when it last took a step; undefined before it first started. */
  status(id: NodeId): BasicStatus | undefined {
    return this.#statuses.get(id);
  }

  /** The group begins with a snapshot at this index. */
  founded(index: number): void {
    this.#committed.founded(index);
  }

  /** True when some log holds a configuration change after this index. */
  changePending(after: number): boolean {
    return this.#entries.changePending(after);
  }

  /** A member starts, from what is on its disk. */
  started(status: BasicStatus): void {
    const { id, term, vote, commit } = status;
    const durable = this.#durable.get(id) ?? NOTHING_DURABLE;
    if (
      term < durable.term ||
      commit < durable.commit ||
      (term === durable.term && durable.vote !== 0 && vote !== durable.vote)
    ) {
      const before = `${durable.term}/${durable.vote}/${durable.commit}`;
      violated("what is durable never goes back", `${id}: ${before} to ${term}/${vote}/${commit}`);
    }
    this.#statuses.set(id, status);
  }

  /** A member stopped. */
  stopped(id: NodeId): void {
    this.#leases.delete(id);
  }

  /** A member took a step; `members` are all of them. */
  stepped(status: BasicStatus, member: Watched, members: ReadonlyMap<NodeId, Watched>): void {
    const before = this.#statuses.get(status.id)!;
    this.#statuses.set(status.id, status);
    this.#neverBack(before, status);
    this.#ordered(status, member);
    this.#lease(status);
    const { term, commit, role } = status;
    if (role !== Role.Leader) {
      if (commit > before.commit) this.#committed.learned(member, commit);
      return;
    }
    if (before.role !== Role.Leader || before.term !== term) this.#elected(status, member);
    if (commit > before.commit) {
      this.#committed.committed(member, term, before.commit, commit);
      this.#onDurableQuorum(status, member, members);
    }
  }

  #neverBack(before: BasicStatus, now: BasicStatus): void {
    const { id, term, vote, commit, applied } = now;
    if (term < before.term) violated("term never goes back", `${id}: ${before.term} to ${term}`);
    if (term === before.term && before.vote !== 0 && vote !== before.vote) {
      violated("one vote a term", `${id}: ${before.vote} and ${vote} in term ${term}`);
    }
    if (commit < before.commit || applied < before.applied) {
      violated(
        "commit and applied never go back",
        `${id}: ${before.commit}/${before.applied} to ${commit}/${applied}`,
      );
    }
  }

  #ordered({ id, commit, applied }: BasicStatus, member: Watched): void {
    const { storage, appliedIndex } = member;
    const purged = storage.firstIndex() - 1;
    const { snapshotIndex } = storage;
    if (
      purged <= snapshotIndex &&
      snapshotIndex <= appliedIndex &&
      appliedIndex <= commit &&
      applied <= commit &&
      member.logTerm(commit) >= 0
    ) {
      return;
    }
    violated(
      "purged <= snapshot <= applied <= commit <= last",
      `${id}: ${purged}, ${snapshotIndex}, ${appliedIndex} (core: ${applied}), ${commit}, ` +
        `where the log has term ${member.logTerm(commit)}`,
    );
  }

  #lease({ id, holdsLease }: BasicStatus): void {
    if (!holdsLease) {
      if (this.#leases.size > 0) this.#leases.delete(id);
      return;
    }
    this.#leases.add(id);
    if (this.#leases.size > 1) violated("no two valid leases", `${[...this.#leases]}`);
  }

  #elected({ id, term }: BasicStatus, member: Watched): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== id) {
      violated("one leader a term", `${other} and ${id} in term ${term}`);
    }
    this.#leaders.set(term, id);
    this.#committed.elected(member, term);
  }

  /** What a leader commits lies on the disks of a majority of each half of its configuration. */
  #onDurableQuorum(
    { id, term, commit }: BasicStatus,
    { confState }: Watched,
    members: ReadonlyMap<NodeId, Watched>,
  ): void {
    if (confState === null) return;
    for (const voters of [confState.voters, confState.votersOutgoing]) {
      let holders = 0;
      for (const voter of voters) {
        const member = members.get(voter);
        if (member === undefined) continue;
        const compacted = commit < member.storage.firstIndex();
        if (compacted || durableTerm(member, commit) === term) holders++;
      }
      if (voters.length > 0 && holders * 2 <= voters.length) {
        violated(
          "a commit lies on a durable quorum",
          `leader ${id} committed ${commit} of term ${term}, held by ${holders} of (${voters})`,
        );
      }
    }
  }

  /** Entries came into a member's log, not durable yet. */
  logged(id: NodeId, entries: readonly Entry[]): void {
    this.#entries.logged(id, entries, this.#committed.last);
  }

  /** A member is about to change what it has on its disk. */
  persisting(
    member: Watched,
    hardState: HardState | null,
    snapshot: Snapshot | null,
    entries: readonly Entry[],
  ): void {
    if (hardState !== null) this.#hardState(member, hardState);
    const first = entries[0];
    if (first === undefined) return;
    // Entries that come with a snapshot follow it.
    if (snapshot === null) this.#committed.replacing(member, entries);
    const termBefore = snapshot?.metadata.term ?? durableTerm(member, first.index - 1);
    this.#entries.logMatching(member.id, termBefore, entries);
  }

  #hardState({ id, hardState: before }: Watched, now: HardState): void {
    const { term, vote, commit } = now;
    this.#durable.set(id, now);
    if (term < before.term || commit < before.commit) {
      const change = `${before.term}/${before.commit} to ${term}/${commit}`;
      violated("durable term and commit never go back", `${id}: ${change}`);
    }
    if (term === before.term && before.vote !== 0 && before.vote !== vote) {
      violated("one vote a term", `${id} voted for ${before.vote} and ${vote} in term ${term}`);
    }
  }

  /** What a member read from its disk is what it had made durable. */
  recovered(before: Watched, storage: Watched["storage"], hardState: HardState): void {
    const { id, term, vote, commit } = { id: before.id, ...before.hardState };
    if (hardState.term !== term || hardState.vote !== vote || hardState.commit < commit) {
      const now = `${hardState.term}/${hardState.vote}/${hardState.commit}`;
      violated("recovery finds what was durable", `${id}: ${term}/${vote}/${commit} is ${now}`);
    }
    const last = before.storage.lastIndex();
    if (storage.lastIndex() !== last) {
      violated("recovery finds what was durable", `${id}: last ${last} is ${storage.lastIndex()}`);
    }
    const from = Math.max(storage.firstIndex(), before.storage.firstIndex());
    if (from > last) return;
    const expected = before.storage.entries(from, last + 1, Number.POSITIVE_INFINITY);
    const found = storage.entries(from, last + 1, Number.POSITIVE_INFINITY);
    for (const [at, entry] of expected.entries()) {
      if (sameEntry(entry, found[at]!)) continue;
      violated("recovery finds what was durable", `${id}: entry ${entry.index} differs`);
    }
  }

  /** A member applied an entry; `digest` is of its whole state. */
  applied(id: NodeId, entry: Entry, digest: number): void {
    this.#committed.applied(id, entry, digest);
  }

  /** A member took over a snapshot. */
  restored(id: NodeId, snapshot: Snapshot, digest: number): void {
    this.#committed.restored(id, snapshot, digest);
  }

  /** A member is about to send a message. */
  sending(member: Watched, message: Message): void {
    const { type, term, from, to, index } = message;
    if (message.reject) return;
    const { hardState } = member;
    if (type === MessageType.VoteResp) {
      if (hardState.term > term || (hardState.term === term && hardState.vote === to)) return;
      violated("a vote is durable before it is sent", `${from} for ${to} in term ${term}`);
    }
    if (type !== MessageType.AppResp || hardState.term > term) return;
    // One for an older term may speak of entries that a newer leader replaced while all of it
    // waited for one write. That is harmless: without this member's vote that leader has won
    // a majority of which none can have acknowledged them.
    const last = member.storage.lastIndex();
    const replaced = this.#statuses.get(from)!.term > term;
    const compacted = index < member.storage.firstIndex();
    // −1 where a snapshot is on its way to the disk that holds the entry.
    const expected = replaced || compacted ? -1 : member.logTerm(index);
    const same = expected < 0 || durableTerm(member, index) === expected;
    if (hardState.term === term && index <= last && same) return;
    violated(
      "an append is durable before it is acknowledged",
      `${from} acknowledged ${index} of ${last} in term ${term} of ${hardState.term}`,
    );
  }
}
