const SLOTS_MIN = 64;
/** Spreads numbers that follow one another over the table (Knuth's multiplicative hashing). */
const SPREAD = 0x9e3779b1;

/**
 * Counts for pairs of positive integers, in flat arrays: a pair costs 12 bytes and no object, which
 * for millions of them is the difference between a table and a heap. Linear probing; a pair whose
 * count came back to zero keeps its slot until the table grows.
 */
export class PairCounts {
  #firsts = new Int32Array(SLOTS_MIN);
  #seconds = new Int32Array(SLOTS_MIN);
  #counts = new Int32Array(SLOTS_MIN);
  #taken = 0;
  #total = 0;

  /** No pair has a count. */
  get isEmpty(): boolean {
    return this.#total === 0;
  }

  get(first: number, second: number): number {
    return this.#total === 0 ? 0 : this.#counts[this.#find(first, second)]!;
  }

  add(first: number, second: number, by: 1 | -1): void {
    const slot = this.#find(first, second);
    this.#total += by;
    this.#counts[slot]! += by;
    if (this.#firsts[slot] !== 0) return;
    this.#firsts[slot] = first;
    this.#seconds[slot] = second;
    this.#taken++;
    if (this.#taken * 2 > this.#firsts.length) this.#rehash();
  }

  /** The pair's slot, or the free one where it would be. */
  #find(first: number, second: number): number {
    const mask = this.#firsts.length - 1;
    let slot = (Math.imul(first, SPREAD) ^ Math.imul(second + 1, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#firsts[slot] !== 0) {
      if (this.#firsts[slot] === first && this.#seconds[slot] === second) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Makes room for as many pairs again as have a count. */
  #rehash(): void {
    const firsts = this.#firsts;
    const seconds = this.#seconds;
    const counts = this.#counts;
    let live = 0;
    for (const count of counts) if (count !== 0) live++;
    let size = SLOTS_MIN;
    while (size < live * 4) size *= 2;
    this.#firsts = new Int32Array(size);
    this.#seconds = new Int32Array(size);
    this.#counts = new Int32Array(size);
    this.#taken = live;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue;
      const slot = this.#find(firsts[i]!, seconds[i]!);
      this.#firsts[slot] = firsts[i]!;
      this.#seconds[slot] = seconds[i]!;
      this.#counts[slot] = counts[i]!;
    }
  }
}
