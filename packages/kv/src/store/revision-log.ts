import type { Row, VersionTable } from "./version-table.js";

/** Places pass 2³² within days of heavy writing, so they are divided, not shifted. */
const CHUNK_ROWS = 16_384;

/**
 * Every change since the compacted revision in the order it was made, as rows of the version table: a
 * queue that grows at the end and is dropped from the front. Places are numbered for good: a place
 * is one change, `start` ≤ place < `end`.
 */
export class RevisionLog {
  readonly #chunks: (Int32Array | undefined)[] = [];
  readonly #table: VersionTable;
  /** Chunks already dropped from the front of `#chunks`. */
  #dropped = 0;
  #start = 0;
  #end = 0;

  constructor(table: VersionTable) {
    this.#table = table;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  push(row: Row): void {
    const index = Math.floor(this.#end / CHUNK_ROWS) - this.#dropped;
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = new Int32Array(CHUNK_ROWS);
      this.#chunks[index] = chunk;
    }
    chunk[this.#end % CHUNK_ROWS] = row;
    this.#end++;
  }

  at(place: number): Row {
    return this.#chunks[Math.floor(place / CHUNK_ROWS) - this.#dropped]![place % CHUNK_ROWS]!;
  }

  dropFirst(): void {
    this.#start++;
    if (this.#start % CHUNK_ROWS !== 0) return;
    this.#chunks.shift();
    this.#dropped++;
  }

  /** The first place whose revision is at least `revision`. */
  find(revision: number): number {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#table.mod(this.at(middle)) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
