import { fail } from "../invariant.js";
import { type Entry, EntryType } from "../types.js";
import { entrySize, NO_DATA } from "./entry.js";

/** Takes the place of dropped entries until the array is compacted, so that their data can be freed. */
const HOLE: Entry = Object.freeze({ term: 0, index: 0, type: EntryType.Normal, data: NO_DATA });

/** Below this many dropped slots compaction is not worth a copy. */
const SLACK = 64;

/**
 * Consecutive entries of a log, cut off at either end. Appending and dropping the oldest are
 * O(1) amortised; what `slice` returns is never changed afterwards.
 */
export class EntryWindow {
  #items: Entry[] = [];
  #head = 0;
  #first: number;

  constructor(first: number) {
    this.#first = first;
  }

  /** Index of the first entry, or of the one to come when empty. */
  get first(): number {
    return this.#first;
  }

  /** Index after the last entry. */
  get end(): number {
    return this.#first + this.#items.length - this.#head;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  at(index: number): Entry {
    const entry = this.#items[this.#head + index - this.#first];
    if (entry === undefined || index < this.#first) {
      fail(`entry ${index} outside of [${this.#first}, ${this.end})`);
    }
    return entry;
  }

  append(entries: readonly Entry[], from = 0): void {
    const items = this.#items;
    for (let i = from; i < entries.length; i++) items.push(entries[i]!);
  }

  /** Drops `index` and everything after it. */
  truncate(index: number): void {
    if (index < this.#first) fail(`truncation at ${index} before ${this.#first}`);
    this.#items.length = Math.min(this.#items.length, this.#head + index - this.#first);
  }

  /** Drops everything before `index`, which is at most `end`. */
  dropBefore(index: number): void {
    if (index > this.end) fail(`drop before ${index} beyond ${this.end}`);
    const items = this.#items;
    while (this.#first < index) {
      items[this.#head++] = HOLE;
      this.#first++;
    }
    if (this.#head === items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > SLACK && this.#head * 2 > items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Forgets all entries; the next one has the index `first`. */
  reset(first: number): void {
    this.#items = [];
    this.#head = 0;
    this.#first = first;
  }

  /** Entries of [low, high): as many as fit into `maxBytes`, at least one. */
  slice(low: number, high: number, maxBytes: number): Entry[] {
    if (low > high || low < this.#first || high > this.end) {
      fail(`slice [${low}, ${high}) outside of [${this.#first}, ${this.end})`);
    }
    const start = this.#head + low - this.#first;
    const stop = this.#head + high - this.#first;
    return this.#items.slice(start, this.#fitting(start, stop, maxBytes));
  }

  #fitting(start: number, stop: number, maxBytes: number): number {
    if (maxBytes === Number.POSITIVE_INFINITY) return stop;
    let size = 0;
    for (let i = start; i < stop; i++) {
      size += entrySize(this.#items[i]!);
      if (size > maxBytes && i > start) return i;
    }
    return stop;
  }
}
