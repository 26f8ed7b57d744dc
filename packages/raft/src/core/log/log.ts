import { RaftError } from "../errors.js";
import { fail } from "../invariant.js";
import { type Entry, EntryType, type NodeId, type Snapshot, type Storage } from "../types.js";
import { entriesSize } from "./entry.js";
import { Unstable } from "./unstable.js";

/** Stands for the term of an index that was compacted away or is not there. */
export const NO_TERM = -1;

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return RaftError.is(error) && codes.includes(error.code);
}

/**
 * The log as consensus sees it: what storage holds, then the unstable end.
 * Invariant: applied ≤ applying ≤ committed ≤ lastIndex.
 */
export class RaftLog {
  readonly #storage: Storage;
  readonly unstable: Unstable;
  committed: number;
  /** Up to here entries were handed out to be applied. */
  applying: number;
  /** Up to here entries are known to be applied. */
  applied: number;
  /** Limits the bytes handed out and not yet reported as applied. */
  readonly maxApplyingSize: number;
  #applyingSize = 0;
  #applyingPaused = false;

  constructor(storage: Storage, maxApplyingSize: number) {
    this.#storage = storage;
    this.unstable = new Unstable(storage.lastIndex() + 1);
    this.committed = storage.firstIndex() - 1;
    this.applying = this.committed;
    this.applied = this.committed;
    this.maxApplyingSize = maxApplyingSize;
  }

  firstIndex(): number {
    const snapshot = this.unstable.snapshot;
    return snapshot === null ? this.#storage.firstIndex() : snapshot.metadata.index + 1;
  }

  lastIndex(): number {
    const last = this.unstable.lastIndex();
    return last === 0 ? this.#storage.lastIndex() : last;
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex());
    if (term === NO_TERM) fail(`no term for the last index ${this.lastIndex()}`);
    return term;
  }

  /** The term of `index` in [firstIndex − 1, lastIndex], or {@link NO_TERM}. */
  term(index: number): number {
    const unstable = this.unstable.term(index);
    if (unstable !== NO_TERM) return unstable;
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return NO_TERM;
    try {
      return this.#storage.term(index);
    } catch (error) {
      if (isCode(error, "compacted", "unavailable")) return NO_TERM;
      throw error;
    }
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** True when a log that ends in (index, term) is at least as complete as this one (paper, 5.4.1). */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex());
  }

  /** Appends to the end, as a leader does. */
  append(entries: readonly Entry[], from = 0): void {
    const first = entries[from];
    if (first === undefined) return;
    if (first.index <= this.committed) {
      fail(`entry ${first.index} would replace one that is committed (${this.committed})`);
    }
    this.unstable.truncateAndAppend(entries, from);
  }

  /**
   * Takes over entries that follow (index, term), as a follower does, and commits what both have.
   * Only a conflict truncates. Returns the last of the new indexes, or −1 when the log does not
   * hold what they follow.
   */
  maybeAppend(index: number, term: number, entries: readonly Entry[], commit: number): number {
    if (!this.matches(index, term)) return -1;
    const last = index + entries.length;
    const at = this.#findConflict(entries);
    if (at >= 0) this.append(entries, at);
    this.commitTo(Math.min(commit, last));
    return last;
  }

  /** The position of the first entry that is not in the log, or −1. */
  #findConflict(entries: readonly Entry[]): number {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (!this.matches(entry.index, entry.term)) return i;
    }
    return -1;
  }

  /**
   * The greatest index ≤ `index` whose term is ≤ `term` or unknown: where this log may end
   * matching one that has `term` at `index`. The second value is that term, 0 when unknown.
   */
  findConflictByTerm(index: number, term: number): [index: number, term: number] {
    for (let guess = index; guess > 0; guess--) {
      const own = this.term(guess);
      if (own === NO_TERM) return [guess, 0];
      if (own <= term) return [guess, own];
    }
    return [0, 0];
  }

  /** Throws `diverged` when the log does not reach that far. */
  commitTo(index: number): void {
    if (index <= this.committed) return;
    if (index > this.lastIndex()) {
      const last = this.lastIndex();
      throw new RaftError(
        "diverged",
        `commit ${index} is beyond the last index ${last}: was the log lost?`,
      );
    }
    this.committed = index;
  }

  /** Commits up to `index` if the entry there is of `term`: only own entries are counted (paper, 5.4.2). */
  maybeCommit(index: number, term: number): boolean {
    if (term === 0 || index <= this.committed || !this.matches(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  restore(snapshot: Snapshot): void {
    this.committed = snapshot.metadata.index;
    this.unstable.restore(snapshot);
  }

  /** What to send to `to`, which lacks entries that were compacted away; null while there is none. */
  snapshot(to: NodeId): Snapshot | null {
    if (this.unstable.snapshot !== null) return this.unstable.snapshot;
    try {
      return this.#storage.snapshot(to);
    } catch (error) {
      if (isCode(error, "snapshot-temporarily-unavailable")) return null;
      throw error;
    }
  }

  /** Entries from `low` on that fit into `maxBytes`, or null when they were compacted away. */
  entries(low: number, maxBytes: number): Entry[] | null {
    const last = this.lastIndex();
    return low > last ? [] : this.slice(low, last + 1, maxBytes);
  }

  /** Entries of [low, high) that fit into `maxBytes`, at least one; null when compacted away. */
  slice(low: number, high: number, maxBytes: number): Entry[] | null {
    if (low > high || high > this.lastIndex() + 1) {
      fail(`slice [${low}, ${high}) outside of the log, which ends at ${this.lastIndex()}`);
    }
    if (low < this.firstIndex()) return null;
    if (low === high) return [];
    const offset = this.unstable.offset;
    if (low >= offset) return this.unstable.slice(low, high, maxBytes);

    const cut = Math.min(high, offset);
    const stable = this.#stable(low, cut, maxBytes);
    if (stable === null || high <= offset || stable.length < cut - low) return stable;
    const room = maxBytes - entriesSize(stable);
    if (room <= 0) return stable;
    const rest = this.unstable.slice(offset, high, room);
    // A slice holds one entry at least, even one that does not fit.
    if (rest.length === 1 && entriesSize(rest) > room) return stable;
    return stable.concat(rest);
  }

  #stable(low: number, high: number, maxBytes: number): Entry[] | null {
    try {
      return this.#storage.entries(low, high, maxBytes);
    } catch (error) {
      if (isCode(error, "compacted")) return null;
      throw error;
    }
  }

  /** True when a configuration change is committed and not yet applied. */
  hasUnappliedConfChange(): boolean {
    let low = this.applied + 1;
    while (low <= this.committed) {
      const page = this.slice(low, this.committed + 1, this.maxApplyingSize);
      if (page === null || page.length === 0) fail(`entry ${low} is committed but not there`);
      if (page.some((entry) => entry.type !== EntryType.Normal)) return true;
      low += page.length;
    }
    return false;
  }

  /** True while a snapshot waits or is being applied: no entries are handed out before it. */
  get restoring(): boolean {
    return this.unstable.snapshot !== null;
  }

  #maxAppliable(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#applyingPaused || this.restoring) return false;
    return this.applying < this.#maxAppliable(allowUnstable);
  }

  /** Committed entries to apply next. With `allowUnstable` they need not be durable here yet. */
  nextCommitted(allowUnstable: boolean): Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return [];
    const room = this.maxApplyingSize - this.#applyingSize;
    const entries = this.slice(this.applying + 1, this.#maxAppliable(allowUnstable) + 1, room);
    if (entries === null) fail(`entry ${this.applying + 1} was compacted before it was applied`);
    return entries;
  }

  acceptApplying(index: number, size: number, allowUnstable: boolean): void {
    if (index > this.committed) fail(`applying ${index} beyond the commit ${this.committed}`);
    this.applying = index;
    this.#applyingSize += size;
    // Paused at the limit, and also when the limit cut the last batch short: the next entry
    // alone would cross it.
    this.#applyingPaused =
      this.#applyingSize >= this.maxApplyingSize || index < this.#maxAppliable(allowUnstable);
  }

  appliedTo(index: number, size: number): void {
    if (index > this.committed || index < this.applied) {
      fail(`applied ${index} outside of [${this.applied}, ${this.committed}]`);
    }
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingSize = Math.max(0, this.#applyingSize - size);
    this.#applyingPaused = this.#applyingSize >= this.maxApplyingSize;
  }
}
