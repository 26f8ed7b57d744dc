import type { OutputChunk } from "../runtime.js";

/**
 * How much of a sandbox's output may be on its way or held here. When that much is unread, the
 * helper stops reading the pipes, and the writer blocks once its pipe (64 KiB) is full too.
 */
export const OUTPUT_WINDOW_BYTES: number = 256 << 10;

/** Holds output until there is a reader, and gives the helper credit for what was read. */
export class OutputGate {
  readonly #grant: (bytes: number) => void;
  readonly #held: OutputChunk[] = [];
  #reader: ((chunk: OutputChunk) => void) | undefined;
  #read = 0;

  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
  }

  get reader(): ((chunk: OutputChunk) => void) | undefined {
    return this.#reader;
  }

  /** Setting a reader hands it what was held; setting none pauses. */
  set reader(reader: ((chunk: OutputChunk) => void) | undefined) {
    this.#reader = reader;
    while (this.#reader !== undefined) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#deliver(this.#reader, chunk);
    }
  }

  push(chunk: OutputChunk): void {
    if (this.#reader === undefined || this.#held.length > 0) {
      // A copy: the chunk is a view on a larger receive buffer, which would be kept whole.
      this.#held.push({ ...chunk, data: Uint8Array.from(chunk.data) });
    } else this.#deliver(this.#reader, chunk);
  }

  /** A new helper starts with a whole window. */
  reset(): void {
    this.#read = this.#held.reduce((sum, chunk) => sum - chunk.data.length, 0);
  }

  #deliver(reader: (chunk: OutputChunk) => void, chunk: OutputChunk): void {
    try {
      reader(chunk);
    } finally {
      this.#read += chunk.data.length;
      if (this.#read >= OUTPUT_WINDOW_BYTES / 4) {
        this.#grant(this.#read);
        this.#read = 0;
      }
    }
  }
}
