import { isEmptyRange, type Key, type KeyRange } from "./key-range.js";

/** A union of intervals that answers whether a key is in one, in O(log n). */
export class RangeSet {
  #ranges: KeyRange[] = [];
  #isMerged = true;

  add(range: KeyRange): void {
    if (isEmptyRange(range)) return;
    this.#ranges.push(range);
    this.#isMerged = false;
  }

  addAll(other: RangeSet): void {
    for (const range of other.#ranges) this.add(range);
  }

  /** True when one of the united intervals holds all of `range`. */
  covers(range: KeyRange): boolean {
    const around = this.#around(range.from);
    if (around === undefined) return false;
    if (around.to === null) return true;
    return range.to !== null && range.to <= around.to;
  }

  has(key: Key): boolean {
    return this.#around(key) !== undefined;
  }

  /** The united interval that a key is in. */
  #around(key: Key): KeyRange | undefined {
    if (!this.#isMerged) this.#merge();
    const ranges = this.#ranges;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.from <= key) low = middle + 1;
      else high = middle;
    }
    const range = ranges[low - 1];
    if (range === undefined) return undefined;
    return range.to === null || key < range.to ? range : undefined;
  }

  /** Sorted and without overlaps. */
  #merge(): void {
    this.#ranges.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
    const merged: KeyRange[] = [];
    for (const range of this.#ranges) {
      const last = merged.at(-1);
      if (last === undefined || (last.to !== null && last.to < range.from)) merged.push(range);
      else merged[merged.length - 1] = { from: last.from, to: further(last.to, range.to) };
    }
    this.#ranges = merged;
    this.#isMerged = true;
  }
}

function further(a: Key | null, b: Key | null): Key | null {
  if (a === null || b === null) return null;
  return a > b ? a : b;
}
