/** systemd's LineMax=: a longer line is cut into several entries. */
export const LINE_BYTES_MAX: number = 48 * 1024;

/** Streams whose unfinished line is kept at once; beyond that the oldest is written out as it is. */
const STREAMS_MAX = 1024;

const NEWLINE = 0x0a;

/**
 * Makes lines of the chunks of many streams, each named by a key. An unfinished line waits for its
 * rest, {@link LINE_BYTES_MAX} bytes at most. Invalid UTF-8 becomes U+FFFD.
 */
export class LineSplitter {
  readonly #emit: (key: string, line: string) => void;
  readonly #rest = new Map<string, Buffer>();

  constructor(emit: (key: string, line: string) => void) {
    this.#emit = emit;
  }

  push(key: string, data: Uint8Array): void {
    const chunk = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const rest = this.#rest.get(key);
    const text = rest ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (at < text.length) {
      const newline = text.indexOf(NEWLINE, at);
      const end = newline < 0 ? text.length : newline;
      if (end - at > LINE_BYTES_MAX) {
        const cut = cutPoint(text, at, at + LINE_BYTES_MAX);
        this.#line(key, text.subarray(at, cut));
        at = cut;
      } else if (newline < 0) {
        break;
      } else {
        this.#line(key, text.subarray(at, end));
        at = end + 1;
      }
    }
    this.#keep(key, text.subarray(at));
  }

  /** Writes out the unfinished lines of the keys that begin with `prefix`. */
  flush(prefix = ""): void {
    for (const [key, rest] of [...this.#rest]) {
      if (!key.startsWith(prefix)) continue;
      this.#rest.delete(key);
      this.#line(key, rest);
    }
  }

  #keep(key: string, rest: Buffer): void {
    this.#rest.delete(key);
    if (rest.length === 0) return;
    // A copy, so that 10 bytes do not hold on to a chunk of 64 KiB.
    this.#rest.set(key, Buffer.from(rest));
    if (this.#rest.size > STREAMS_MAX) {
      const oldest = this.#rest.keys().next().value as string;
      this.flush(oldest);
    }
  }

  #line(key: string, line: Buffer): void {
    this.#emit(key, line.toString("utf8"));
  }
}

/** The last start of a UTF-8 character at or before `end`, so that no character is cut in two. */
function cutPoint(text: Buffer, start: number, end: number): number {
  let cut = end;
  while (cut > start && cut > end - 4 && ((text[cut] ?? 0) & 0xc0) === 0x80) cut -= 1;
  return cut > start ? cut : end;
}
