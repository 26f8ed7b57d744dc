import type { Bytes } from "../api/types.js";

/** Words (4 bytes) of a slab: 1 MiB. */
const SLAB_WORDS = 262_144;
/** A longer record gets a slab of its own, so that slabs end with little left over. */
const SHARED_WORDS_MAX = SLAB_WORDS / 4;
const HEADER_WORDS = 3;

interface Slab {
  readonly buffer: ArrayBuffer;
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  used: number;
  live: number;
}

/** Where a record is; −1 is nowhere. */
export type Location = number;

/**
 * Keys and values outside of the JS heap: records appended to slabs of 1 MiB, never overwritten.
 * What is read is therefore a view, not a copy (30 ns instead of 2 µs), and stays valid however
 * long someone holds it: a slab that nothing of the store is in any more goes when the last view of it
 * goes. Slabs that are less than half alive are emptied by moving what lives, so the arena takes at
 * most about twice the bytes that live, plus a slab.
 *
 * A record: owner (the row of `VersionTable` that it belongs to), key length, value length, key, value.
 */
export class ByteArena {
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #sparse = new Set<number>();
  #current = -1;
  #reserved = 0;

  /** Bytes of all slabs. */
  get reservedBytes(): number {
    return this.#reserved;
  }

  /** True when `evacuate` has something to do. */
  get hasSparse(): boolean {
    return this.#sparse.size > 0;
  }

  /** Copies a key and a value in. */
  write(owner: number, key: Bytes, value: Bytes): Location {
    const size = recordWords(key.length, value.length);
    const slot = this.#slotFor(size);
    const slab = this.#slabs[slot]!;
    const at = slab.used;
    slab.used += size;
    slab.live += size;
    slab.words[at] = owner;
    slab.words[at + 1] = key.length;
    slab.words[at + 2] = value.length;
    const start = (at + HEADER_WORDS) * 4;
    slab.bytes.set(key, start);
    if (value.length > 0) slab.bytes.set(value, start + key.length);
    return slot * SLAB_WORDS + at;
  }

  /** Gives a record up; its slab goes when it was the last. */
  free(location: Location): void {
    const slot = slotOf(location);
    const slab = this.#slabs[slot]!;
    const at = location % SLAB_WORDS;
    slab.live -= recordWords(slab.words[at + 1]!, slab.words[at + 2]!);
    if (slot === this.#current) return;
    if (slab.live === 0) this.#drop(slot);
    else if (slab.live * 2 < slab.used) this.#sparse.add(slot);
  }

  key(location: Location): Bytes {
    const slab = this.#slabs[slotOf(location)]!;
    const at = location % SLAB_WORDS;
    return new Uint8Array(slab.buffer, (at + HEADER_WORDS) * 4, slab.words[at + 1]!);
  }

  keyLength(location: Location): number {
    return this.#slabs[slotOf(location)]!.words[(location % SLAB_WORDS) + 1]!;
  }

  value(location: Location): Bytes {
    const slab = this.#slabs[slotOf(location)]!;
    const at = location % SLAB_WORDS;
    const start = (at + HEADER_WORDS) * 4 + slab.words[at + 1]!;
    return new Uint8Array(slab.buffer, start, slab.words[at + 2]!);
  }

  /** Key and value in one view: they lie side by side. */
  keyAndValue(location: Location): Bytes {
    const slab = this.#slabs[slotOf(location)]!;
    const at = location % SLAB_WORDS;
    const length = slab.words[at + 1]! + slab.words[at + 2]!;
    return new Uint8Array(slab.buffer, (at + HEADER_WORDS) * 4, length);
  }

  /** Bytes of key and value. */
  length(location: Location): number {
    const { words } = this.#slabs[slotOf(location)]!;
    const at = location % SLAB_WORDS;
    return words[at + 1]! + words[at + 2]!;
  }

  /**
   * Empties one sparse slab: every record that `isAt` its owner's still is copied to the current slab,
   * and `moved` is told where. Half a slab of copying at most: under a millisecond.
   */
  evacuate(
    isAt: (owner: number, location: Location) => boolean,
    moved: (owner: number, location: Location) => void,
  ): void {
    const [slot] = this.#sparse;
    if (slot === undefined) return;
    const slab = this.#slabs[slot]!;
    let at = 0;
    while (at < slab.used) {
      const location = slot * SLAB_WORDS + at;
      const owner = slab.words[at]!;
      if (isAt(owner, location)) {
        moved(owner, this.write(owner, this.key(location), this.value(location)));
      }
      at += recordWords(slab.words[at + 1]!, slab.words[at + 2]!);
    }
    this.#drop(slot);
  }

  #slotFor(size: number): number {
    if (size > SHARED_WORDS_MAX) return this.#open(size);
    const current = this.#slabs[this.#current];
    if (current !== undefined && current.used + size <= SLAB_WORDS) return this.#current;
    const full = this.#current;
    this.#current = this.#open(SLAB_WORDS);
    if (current !== undefined) {
      if (current.live === 0) this.#drop(full);
      else if (current.live * 2 < current.used) this.#sparse.add(full);
    }
    return this.#current;
  }

  #open(size: number): number {
    const buffer = new ArrayBuffer(size * 4);
    const slot = this.#freeSlots.pop() ?? this.#slabs.length;
    const [words, bytes] = [new Uint32Array(buffer), new Uint8Array(buffer)];
    this.#slabs[slot] = { buffer, words, bytes, used: 0, live: 0 };
    this.#reserved += size * 4;
    return slot;
  }

  #drop(slot: number): void {
    this.#reserved -= this.#slabs[slot]!.buffer.byteLength;
    this.#slabs[slot] = undefined;
    this.#sparse.delete(slot);
    this.#freeSlots.push(slot);
  }
}

function slotOf(location: Location): number {
  return Math.floor(location / SLAB_WORDS);
}

function recordWords(keyLength: number, valueLength: number): number {
  return HEADER_WORDS + ((keyLength + valueLength + 3) >>> 2);
}
