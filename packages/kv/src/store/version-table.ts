import type { Bytes, KeyValuePair, LeaseId } from "../api/types.js";
import { ByteArena, type Location } from "./byte-arena.js";
import type { Key } from "./key-range.js";

const CHUNK_BITS = 14;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_ROWS - 1;

/** A row of the table: one version of one key, or the mark of its deletion. */
export type Row = number;
export const NO_ROW: Row = -1;

const EMPTY: Bytes = new Uint8Array(0);

/** What a new row holds. */
export interface NewVersion {
  readonly key: Key;
  readonly keyBytes: Bytes;
  readonly value: Bytes;
  readonly mod: number;
  /** Place among the changes of its revision. */
  readonly sub: number;
  readonly create: number;
  /** 0 for a deletion (a tombstone). */
  readonly version: number;
  readonly lease: LeaseId;
  /** The row that this one replaces, or NO_ROW. */
  readonly previous: Row;
}

/** Columns of typed arrays: a version costs 52 bytes beside its bytes, and no object. */
class Chunk {
  readonly mod = new Float64Array(CHUNK_ROWS);
  readonly create = new Float64Array(CHUNK_ROWS);
  readonly version = new Float64Array(CHUNK_ROWS);
  readonly location = new Float64Array(CHUNK_ROWS);
  readonly lease = new BigInt64Array(CHUNK_ROWS);
  /** The same memory: telling "no lease" without making a BigInt. */
  readonly leaseHalves = new Int32Array(this.lease.buffer);
  readonly sub = new Uint32Array(CHUNK_ROWS);
  readonly previous = new Int32Array(CHUNK_ROWS);
  /** The index's own string, shared. */
  readonly key: Key[] = [];
}

/** Every version of every key that is kept, by row number. Rows do not change but for being freed. */
export class VersionTable {
  readonly #chunks: Chunk[] = [];
  readonly #free: Row[] = [];
  readonly #arena = new ByteArena();
  #rows = 0;
  #bytes = 0;

  /** Rows in use. */
  get size(): number {
    return this.#rows - this.#free.length;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes set aside for them. */
  get reservedBytes(): number {
    return this.#arena.reservedBytes;
  }

  get hasSparse(): boolean {
    return this.#arena.hasSparse;
  }

  add(version: NewVersion): Row {
    const row = this.#free.pop() ?? this.#grow();
    const chunk = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & CHUNK_MASK;
    chunk.mod[at] = version.mod;
    chunk.create[at] = version.create;
    chunk.version[at] = version.version;
    chunk.lease[at] = version.lease;
    chunk.sub[at] = version.sub;
    chunk.previous[at] = version.previous;
    chunk.key[at] = version.key;
    chunk.location[at] = this.#arena.write(row, version.keyBytes, version.value);
    this.#bytes += version.keyBytes.length + version.value.length;
    return row;
  }

  free(row: Row): void {
    const chunk = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & CHUNK_MASK;
    const location = chunk.location[at]!;
    this.#bytes -= this.#arena.length(location);
    this.#arena.free(location);
    chunk.location[at] = -1;
    chunk.key[at] = "";
    this.#free.push(row);
  }

  mod(row: Row): number {
    return this.#chunks[row >>> CHUNK_BITS]!.mod[row & CHUNK_MASK]!;
  }

  create(row: Row): number {
    return this.#chunks[row >>> CHUNK_BITS]!.create[row & CHUNK_MASK]!;
  }

  version(row: Row): number {
    return this.#chunks[row >>> CHUNK_BITS]!.version[row & CHUNK_MASK]!;
  }

  sub(row: Row): number {
    return this.#chunks[row >>> CHUNK_BITS]!.sub[row & CHUNK_MASK]!;
  }

  lease(row: Row): LeaseId {
    const chunk = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & CHUNK_MASK;
    if (chunk.leaseHalves[2 * at] === 0 && chunk.leaseHalves[2 * at + 1] === 0) return 0n;
    return chunk.lease[at]!;
  }

  key(row: Row): Key {
    return this.#chunks[row >>> CHUNK_BITS]!.key[row & CHUNK_MASK]!;
  }

  previous(row: Row): Row {
    return this.#chunks[row >>> CHUNK_BITS]!.previous[row & CHUNK_MASK]!;
  }

  /** What came before is forgotten. */
  cutPrevious(row: Row): void {
    this.#chunks[row >>> CHUNK_BITS]!.previous[row & CHUNK_MASK] = NO_ROW;
  }

  isTombstone(row: Row): boolean {
    return this.version(row) === 0;
  }

  keyBytes(row: Row): Bytes {
    return this.#arena.key(this.#location(row));
  }

  value(row: Row): Bytes {
    return this.#arena.value(this.#location(row));
  }

  keyAndValue(row: Row): Bytes {
    return this.#arena.keyAndValue(this.#location(row));
  }

  /** As the API shows it; key and value are views of the store's memory. */
  pair(row: Row, keysOnly = false): KeyValuePair {
    const chunk = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & CHUNK_MASK;
    const location = chunk.location[at]!;
    return {
      key: this.#arena.key(location),
      value: keysOnly ? EMPTY : this.#arena.value(location),
      createRevision: chunk.create[at]!,
      modRevision: chunk.mod[at]!,
      version: chunk.version[at]!,
      lease: this.lease(row),
    };
  }

  /** Moves what lives out of one half-empty stretch of memory. */
  evacuate(): void {
    this.#arena.evacuate(
      (row, location) => this.#location(row) === location,
      (row, location) => {
        this.#chunks[row >>> CHUNK_BITS]!.location[row & CHUNK_MASK] = location;
      },
    );
  }

  #location(row: Row): Location {
    return this.#chunks[row >>> CHUNK_BITS]!.location[row & CHUNK_MASK]!;
  }

  #grow(): Row {
    if (this.#rows % CHUNK_ROWS === 0) this.#chunks.push(new Chunk());
    return this.#rows++;
  }
}
