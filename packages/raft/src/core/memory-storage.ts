import { RaftError } from "./errors.js";
import { fail } from "./invariant.js";
import { NO_DATA } from "./log/entry.js";
import { EntryWindow } from "./log/entry-window.js";
import type { ConfState, Entry, HardState, Snapshot, Storage } from "./types.js";

const EMPTY_CONF_STATE: ConfState = Object.freeze({
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
});

const EMPTY_SNAPSHOT: Snapshot = Object.freeze({
  metadata: Object.freeze({ confState: EMPTY_CONF_STATE, index: 0, term: 0 }),
  data: NO_DATA,
});

/**
 * A {@link Storage} in memory: the log of a simulated member, or the window that a driver keeps
 * over a log on disk. Entries after the last compaction are kept; it grows until `compact`.
 *
 * A new group starts from a snapshot that names its first voters, the same on each of them.
 *
 * @example
 * ```ts
 * const storage = new MemoryStorage();
 * storage.applySnapshot({
 *   metadata: {
 *     index: 1,
 *     term: 1,
 *     confState: { voters: [1, 2, 3], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
 *   },
 *   data: new Uint8Array(0),
 * });
 * ```
 */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  /** Entries after `#compactedIndex`, whose term is kept for matching. */
  readonly #entries = new EntryWindow(1);
  #compactedTerm = 0;

  initialState(): { hardState: HardState; confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  /** Keeps the hard state of a Ready. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  entries(low: number, high: number, maxBytes: number): Entry[] {
    if (low < this.#entries.first) {
      throw new RaftError("compacted", `entry ${low} was compacted away`);
    }
    if (high > this.#entries.end) {
      throw new RaftError("unavailable", `entry ${high - 1} is not there yet`);
    }
    return this.#entries.slice(low, high, maxBytes);
  }

  term(index: number): number {
    const compacted = this.#entries.first - 1;
    if (index < compacted) throw new RaftError("compacted", `entry ${index} was compacted away`);
    if (index === compacted) return this.#compactedTerm;
    if (index >= this.#entries.end) {
      throw new RaftError("unavailable", `entry ${index} is not there yet`);
    }
    return this.#entries.at(index).term;
  }

  firstIndex(): number {
    return this.#entries.first;
  }

  lastIndex(): number {
    return this.#entries.end - 1;
  }

  snapshot(): Snapshot {
    if (this.#snapshot.metadata.index === 0) {
      throw new RaftError("snapshot-temporarily-unavailable", "no snapshot was taken yet");
    }
    return this.#snapshot;
  }

  /**
   * Replaces everything with a snapshot; the log is empty afterwards.
   * Throws `snapshot-out-of-date` when it is not newer than the one at hand.
   */
  applySnapshot(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    const current = this.#snapshot.metadata.index;
    if (current !== 0 && current >= index) {
      throw new RaftError("snapshot-out-of-date", `snapshot ${index} is not after ${current}`);
    }
    this.#snapshot = snapshot;
    this.#entries.reset(index + 1);
    this.#compactedTerm = term;
  }

  /**
   * Notes that the application's state at `index` is `data`, with the configuration as of then.
   * Nothing is compacted. Throws `snapshot-out-of-date` when there is a newer one.
   */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    const current = this.#snapshot.metadata.index;
    if (index <= current) {
      throw new RaftError("snapshot-out-of-date", `snapshot ${index} is not after ${current}`);
    }
    this.#snapshot = { metadata: { index, term: this.term(index), confState }, data };
    return this.#snapshot;
  }

  /**
   * Drops the entries up to and including `index`, which must have been applied; its term is
   * kept. Throws `compacted` when that has been done already.
   */
  compact(index: number): void {
    if (index < this.#entries.first) {
      throw new RaftError("compacted", `entry ${index} was compacted away`);
    }
    if (index > this.lastIndex()) fail(`compaction at ${index} beyond ${this.lastIndex()}`);
    this.#compactedTerm = this.#entries.at(index).term;
    this.#entries.dropBefore(index + 1);
  }

  /**
   * Appends entries, replacing those from the first one's index on. Entries that were compacted
   * away are skipped; a gap is a fault of the caller.
   */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const skip = Math.max(0, this.#entries.first - first.index);
    if (skip >= entries.length) return;
    const start = first.index + skip;
    if (start > this.#entries.end)
      fail(`append at ${start} leaves a gap after ${this.lastIndex()}`);
    this.#entries.truncate(start);
    this.#entries.append(entries, skip);
  }
}
