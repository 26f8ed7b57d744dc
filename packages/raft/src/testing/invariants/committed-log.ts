import type { Entry, NodeId, Snapshot } from "../../core/types.js";
import { violated } from "./violation.js";
import { durableTerm, sameEntry, type Watched } from "./watched.js";

interface Committed {
  readonly term: number;
  /** The term of the leader that was first seen to have committed it. */
  readonly since: number;
  /** The entry and the digest of the state after it, once somebody has applied it. */
  entry: Entry | null;
  digest: number;
}

/** What the group has committed, by index: it only grows, and every member must agree with it. */
export class CommittedLog {
  readonly #log: (Committed | undefined)[] = [];
  #last = 0;

  /** The highest index that is known to be committed. */
  get last(): number {
    return this.#last;
  }

  /** The group begins with a snapshot at this index. */
  founded(index: number): void {
    this.#last = Math.max(this.#last, index);
  }

  /** A leader's commit index moved. */
  committed(leader: Watched, term: number, from: number, to: number): void {
    for (let index = from + 1; index <= to; index++) {
      const own = leader.logTerm(index);
      const known = this.#log[index];
      if (known === undefined) {
        this.#log[index] = { term: own, since: term, entry: null, digest: 0 };
      } else if (own >= 0 && known.term !== own) {
        violated(
          "committed entries never change",
          `leader ${leader.id} of term ${term} commits term ${own} at ${index}, not ${known.term}`,
        );
      }
    }
    this.#last = Math.max(this.#last, to);
  }

  /** A member that does not lead learned that its log is committed up to here. */
  learned(member: Watched, to: number): void {
    if (to > this.#last) {
      violated("what is committed was committed by a leader", `${member.id} at ${to}`);
    }
    const known = this.#log[to];
    const own = member.logTerm(to);
    if (known !== undefined && own !== known.term) {
      violated(
        "committed entries never change",
        `${member.id} takes term ${own} at ${to} for committed, which is of term ${known.term}`,
      );
    }
  }

  /** A leader of a new term holds everything that was committed in earlier ones (paper, 5.4). */
  elected(leader: Watched, term: number): void {
    for (let index = this.#last; index > 0; index--) {
      const committed = this.#log[index];
      const own = leader.logTerm(index);
      // From here on down its log was compacted: that was applied, and so has been compared.
      if (committed === undefined || (own < 0 && index < this.#last)) return;
      // Late votes may yet elect a leader of a term that is over; it will commit nothing.
      if (committed.since >= term || own === committed.term) continue;
      violated(
        "a leader holds every committed entry",
        `leader ${leader.id} of term ${term} has term ${own} at ${index}, not ${committed.term}`,
      );
    }
  }

  /** Entries go over the end of a durable log: what is committed there must stay. */
  replacing(member: Watched, entries: readonly Entry[]): void {
    const first = entries[0]!;
    if (first.index > this.#last || first.index > member.storage.lastIndex()) return;
    this.#mustStay(member, first.index, first.term);
    this.#mustStay(member, first.index + entries.length, -1);
  }

  #mustStay(member: Watched, index: number, term: number): void {
    const committed = this.#log[index];
    if (committed === undefined || term === committed.term) return;
    if (durableTerm(member, index) !== committed.term) return;
    violated(
      "a committed entry is never replaced",
      `${member.id}: the entry of term ${committed.term} at ${index}`,
    );
  }

  /** A member applied an entry; `digest` is of its whole state. */
  applied(id: NodeId, entry: Entry, digest: number): void {
    const known = this.#log[entry.index];
    if (known === undefined) {
      violated("what is committed was committed by a leader", `${id} applied ${entry.index}`);
    }
    if (known.entry === null) {
      known.entry = entry;
      known.digest = digest;
    }
    if (known.term !== entry.term || !sameEntry(known.entry!, entry)) {
      violated(
        "members apply the same entries",
        `${id}: entry ${entry.index} of term ${entry.term}, elsewhere of ${known.term}`,
      );
    }
    if (known.digest !== digest) {
      violated("members reach the same state", `${id} at ${entry.index}`);
    }
  }

  /** A member took over a snapshot. */
  restored(id: NodeId, { metadata }: Snapshot, digest: number): void {
    const known = this.#log[metadata.index];
    if (known === undefined) return;
    if (known.term !== metadata.term || (known.entry !== null && known.digest !== digest)) {
      violated("a snapshot is of committed state", `${id} at ${metadata.index}`);
    }
  }
}
