import { type Entry, EntryType, type NodeId } from "../../core/types.js";
import { violated } from "./violation.js";
import { sameEntry } from "./watched.js";

interface KnownEntry {
  readonly previousTerm: number;
  readonly entry: Entry;
}

/** Every entry that some log ever held: two of the same index and term are equal (paper, 5.3). */
export class KnownEntries {
  /** By index; of each, one for each term. */
  readonly #entries: (KnownEntry[] | undefined)[] = [];
  /** By member: indexes of the configuration changes in its log. */
  readonly #changes = new Map<NodeId, number[]>();

  /** A member is about to write entries, which follow one of this term (−1: not known). */
  logMatching(id: NodeId, termBefore: number, entries: readonly Entry[]): void {
    let previousTerm = termBefore;
    for (const entry of entries) {
      this.#one(id, previousTerm, entry);
      previousTerm = entry.term;
    }
  }

  #one(id: NodeId, previousTerm: number, entry: Entry): void {
    let terms = this.#entries[entry.index];
    if (terms === undefined) {
      terms = [];
      this.#entries[entry.index] = terms;
    }
    for (const known of terms) {
      if (known.entry.term !== entry.term) continue;
      const follows =
        known.previousTerm === previousTerm || known.previousTerm < 0 || previousTerm < 0;
      if (follows && sameEntry(known.entry, entry)) return;
      violated(
        "log matching",
        `${id}: entry ${entry.index} of term ${entry.term} differs, or what it follows does`,
      );
    }
    terms.push({ previousTerm, entry });
  }

  /** Entries came into a member's log: it holds one change that is not committed at most. */
  logged(id: NodeId, entries: readonly Entry[], committed: number): void {
    const first = entries[0];
    if (first === undefined) return;
    let changes = this.#changes.get(id);
    if (changes === undefined) {
      changes = [];
      this.#changes.set(id, changes);
    }
    while (changes.length > 0 && changes[changes.length - 1]! >= first.index) changes.pop();
    for (const entry of entries) if (entry.type !== EntryType.Normal) changes.push(entry.index);
    const before = changes[changes.length - 2];
    if (before !== undefined && before > committed) {
      violated("one configuration change at a time", `${id} holds ${changes.slice(-2)}`);
    }
  }

  /** True when some log holds a configuration change after this index. */
  changePending(after: number): boolean {
    for (const changes of this.#changes.values()) {
      if (changes.length > 0 && changes[changes.length - 1]! > after) return true;
    }
    return false;
  }
}
