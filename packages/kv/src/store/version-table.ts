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

/** Eight-byte fields of a row, side by side so that reading one costs one line of the CPU's cache. */
const FIELDS = 6;
const MOD = 0;
const CREATE = 1;
const VERSION = 2;
const LOCATION = 3;
const LEASE = 4;
/** Four-byte fields, by their place among such. */
const SUB = 10;
const PREVIOUS = 11;

/** Rows in typed arrays: a version costs 48 bytes beside its bytes and 8 for its key, and no object. */
class Chunk {
  readonly doubles = new Float64Array(CHUNK_ROWS * FIELDS);
  readonly ints = new Int32Array(this.doubles.buffer);
  readonly leases = new BigInt64Array(this.doubles.buffer);
  /** The index's own string, shared. */
  readonly keys: Key[] = [];
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
    const { doubles, ints, leases, keys } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = (row & CHUNK_MASK) * FIELDS;
    doubles[at + MOD] = version.mod;
    doubles[at + CREATE] = version.create;
    doubles[at + VERSION] = version.version;
    doubles[at + LOCATION] = this.#arena.write(row, version.keyBytes, version.value);
    leases[at + LEASE] = version.lease;
    ints[2 * at + SUB] = version.sub;
    ints[2 * at + PREVIOUS] = version.previous;
    keys[row & CHUNK_MASK] = version.key;
    this.#bytes += version.keyBytes.length + version.value.length;
    return row;
  }

  free(row: Row): void {
    const { doubles, keys } = this.#chunks[row >>> CHUNK_BITS]!;
    const location = this.#location(row);
    this.#bytes -= this.#arena.length(location);
    this.#arena.free(location);
    doubles[(row & CHUNK_MASK) * FIELDS + LOCATION] = -1;
    keys[row & CHUNK_MASK] = "";
    this.#free.push(row);
  }

  mod(row: Row): number {
    return this.#double(row, MOD);
  }

  create(row: Row): number {
    return this.#double(row, CREATE);
  }

  version(row: Row): number {
    return this.#double(row, VERSION);
  }

  sub(row: Row): number {
    return this.#int(row, SUB);
  }

  lease(row: Row): LeaseId {
    const { ints, leases } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = (row & CHUNK_MASK) * FIELDS + LEASE;
    // The same memory as two halves tells "no lease" without making a BigInt.
    if (ints[2 * at] === 0 && ints[2 * at + 1] === 0) return 0n;
    return leases[at]!;
  }

  key(row: Row): Key {
    return this.#chunks[row >>> CHUNK_BITS]!.keys[row & CHUNK_MASK]!;
  }

  previous(row: Row): Row {
    return this.#int(row, PREVIOUS);
  }

  /** What came before is forgotten. */
  cutPrevious(row: Row): void {
    const { ints } = this.#chunks[row >>> CHUNK_BITS]!;
    ints[(row & CHUNK_MASK) * FIELDS * 2 + PREVIOUS] = NO_ROW;
  }

  isTombstone(row: Row): boolean {
    return this.version(row) === 0;
  }

  keyBytes(row: Row): Bytes {
    return this.#arena.key(this.#location(row));
  }

  keyLength(row: Row): number {
    return this.#arena.keyLength(this.#location(row));
  }

  value(row: Row): Bytes {
    return this.#arena.value(this.#location(row));
  }

  /** Key and value side by side. */
  keyAndValue(row: Row): Bytes {
    return this.#arena.keyAndValue(this.#location(row));
  }

  /** As the API shows it; key and value are views of the store's memory. */
  pair(row: Row, keysOnly = false): KeyValuePair {
    const { doubles } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = (row & CHUNK_MASK) * FIELDS;
    const location = doubles[at + LOCATION]!;
    return {
      key: this.#arena.key(location),
      value: keysOnly ? EMPTY : this.#arena.value(location),
      createRevision: doubles[at + CREATE]!,
      modRevision: doubles[at + MOD]!,
      version: doubles[at + VERSION]!,
      lease: this.lease(row),
    };
  }

  /** Moves what lives out of one half-empty stretch of memory. */
  evacuate(): void {
    this.#arena.evacuate(
      (row, location) => this.#location(row) === location,
      (row, location) => {
        const { doubles } = this.#chunks[row >>> CHUNK_BITS]!;
        doubles[(row & CHUNK_MASK) * FIELDS + LOCATION] = location;
      },
    );
  }

  #location(row: Row): Location {
    return this.#double(row, LOCATION);
  }

  #double(row: Row, field: number): number {
    return this.#chunks[row >>> CHUNK_BITS]!.doubles[(row & CHUNK_MASK) * FIELDS + field]!;
  }

  #int(row: Row, field: number): number {
    return this.#chunks[row >>> CHUNK_BITS]!.ints[(row & CHUNK_MASK) * FIELDS * 2 + field]!;
  }

  #grow(): Row {
    if (this.#rows % CHUNK_ROWS === 0) this.#chunks.push(new Chunk());
    return this.#rows++;
  }
}
