import { fail } from "../invariant.js";
import type { Entry, Snapshot } from "../types.js";
import { EntryWindow } from "./entry-window.js";

/**
 * The end of the log that is not known to be durable: entries from `offset` on, and a snapshot
 * that came in. Both stay here while they are being written, so that reads never depend on how
 * far the storage is; storage may even hold other entries from `offset` on, which are about to
 * be replaced.
 */
export class Unstable {
  snapshot: Snapshot | null = null;
  #snapshotInProgress = false;
  readonly #entries: EntryWindow;
  /** Entries before this index are being written. Invariant: offset ≤ offsetInProgress. */
  #offsetInProgress: number;

  constructor(offset: number) {
    this.#entries = new EntryWindow(offset);
    this.#offsetInProgress = offset;
  }

  get offset(): number {
    return this.#entries.first;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** The last index of entries or snapshot; 0 without either. */
  lastIndex(): number {
    if (this.#entries.length > 0) return this.#entries.end - 1;
    return this.snapshot?.metadata.index ?? 0;
  }

  /** The term of an index that is here, or −1. */
  term(index: number): number {
    if (index < this.#entries.first) {
      const metadata = this.snapshot?.metadata;
      return metadata?.index === index ? metadata.term : -1;
    }
    return index < this.#entries.end ? this.#entries.at(index).term : -1;
  }

  hasNextEntries(): boolean {
    return this.#offsetInProgress < this.#entries.end;
  }

  /** The entries that nobody has begun to write. */
  nextEntries(): Entry[] {
    return this.slice(this.#offsetInProgress, this.#entries.end, Number.POSITIVE_INFINITY);
  }

  nextSnapshot(): Snapshot | null {
    return this.#snapshotInProgress ? null : this.snapshot;
  }

  /** Everything here is being written from now on. */
  acceptInProgress(): void {
    if (this.#entries.length > 0) this.#offsetInProgress = this.#entries.end;
    if (this.snapshot !== null) this.#snapshotInProgress = true;
  }

  /**
   * Entries up to `index` are durable. Ignored when the entry is gone or has another term: it was
   * replaced while it was written.
   */
  stableTo(index: number, term: number): void {
    if (index < this.#entries.first || this.term(index) !== term) return;
    this.#entries.dropBefore(index + 1);
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#entries.first);
  }

  stableSnapshotTo(index: number): void {
    if (this.snapshot?.metadata.index !== index) return;
    this.snapshot = null;
    this.#snapshotInProgress = false;
  }

  restore(snapshot: Snapshot): void {
    this.#entries.reset(snapshot.metadata.index + 1);
    this.#offsetInProgress = this.#entries.first;
    this.snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Appends entries from `entries[from]` on, replacing what stands from that index on. */
  truncateAndAppend(entries: readonly Entry[], from: number): void {
    const first = entries[from]!.index;
    if (first <= this.#entries.first && first !== this.#entries.end) {
      this.#entries.reset(first);
      this.#offsetInProgress = first;
    } else if (first < this.#entries.end) {
      this.#entries.truncate(first);
      this.#offsetInProgress = Math.min(this.#offsetInProgress, first);
    } else if (first > this.#entries.end) {
      fail(`append at ${first} leaves a gap after ${this.#entries.end - 1}`);
    }
    this.#entries.append(entries, from);
  }

  slice(low: number, high: number, maxBytes: number): Entry[] {
    return this.#entries.slice(low, high, maxBytes);
  }
}
