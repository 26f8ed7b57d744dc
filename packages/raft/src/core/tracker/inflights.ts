import { fail } from "../invariant.js";

/** Below this many freed slots compaction is not worth a copy. */
const SLACK = 64;

/**
 * Appends that were sent to one member and not yet acknowledged, each by the index of its last
 * entry: a window limited in messages and, softly, in bytes (the message that crosses the limit
 * still goes out).
 */
export class Inflights {
  readonly maxMessages: number;
  readonly maxBytes: number;
  #indexes: number[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  get count(): number {
    return this.#indexes.length - this.#head;
  }

  get full(): boolean {
    return this.count >= this.maxMessages || this.#bytes >= this.maxBytes;
  }

  /** Notes a message; not allowed while full. Indexes only grow. */
  add(index: number, bytes: number): void {
    if (this.full) fail("append sent into a full window");
    this.#indexes.push(index);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** Frees all messages up to and including `index`. */
  freeThrough(index: number): void {
    const end = this.#indexes.length;
    while (this.#head < end && this.#indexes[this.#head]! <= index) {
      this.#bytes -= this.#sizes[this.#head]!;
      this.#head++;
    }
    if (this.#head === end) this.reset();
    else if (this.#head > SLACK && this.#head * 2 > end) this.#compact();
  }

  reset(): void {
    this.#indexes.length = 0;
    this.#sizes.length = 0;
    this.#head = 0;
    this.#bytes = 0;
  }

  #compact(): void {
    this.#indexes = this.#indexes.slice(this.#head);
    this.#sizes = this.#sizes.slice(this.#head);
    this.#head = 0;
  }
}
