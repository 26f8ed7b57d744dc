import { Buffer } from "node:buffer";

/** RFC 9113 §3.4: what a client begins with. */
export const HTTP2_PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEADER_BYTES = 9;
/** RFC 9113 §4.2: the largest frame a client may send before it knows better. */
const FRAME_BYTES_MAX = 16_384;
const HEADERS = 0x1;
const PADDED = 0x8;
const PRIORITY = 0x20;
/** HPACK's static table (RFC 7541, Appendix A): 1 is `:authority`. */
const AUTHORITY_INDEX = 1;

/** Codes of RFC 7541, Appendix B, of the characters that matter here: bits and their number. */
const HUFFMAN: Readonly<Record<string, readonly [code: number, bits: number]>> = {
  h: [0b100111, 6],
  t: [0b01001, 5],
  p: [0b101011, 6],
  s: [0b01000, 5],
  ":": [0b1011100, 7],
  "/": [0b011000, 6],
  B: [0b1011101, 7],
  "-": [0b010110, 6],
};
/** Each with what is as long in characters and in Huffman bits, so that nothing around it moves. */
const SCHEMES = [
  { scheme: "http://", standIn: "httpB--" },
  { scheme: "https://", standIn: "httpsB--" },
] as const;

/**
 * Go clients older than etcd 3.5 (Debian's etcdctl among them) put the endpoint's scheme into
 * `:authority` for the commands that ask one endpoint (`endpoint status`, `defrag`, …). Node's HTTP/2
 * refuses such a request as malformed, where Go's server takes it. This passes a connection's first
 * bytes on frame by frame, and overwrites the scheme in its first HEADERS frame with characters that
 * are allowed there and as long: later requests name the header by its place in HPACK's table, which
 * keeps its size. Bounded by one frame.
 */
export class AuthorityFilter {
  #held: Buffer = Buffer.alloc(0);
  #done = false;
  #preface = HTTP2_PREFACE.length;

  /** The first HEADERS frame has passed: what follows needs no filter. */
  get done(): boolean {
    return this.#done;
  }

  /** What may go on now. */
  push(chunk: Buffer): Buffer {
    if (this.#done) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = Math.min(this.#preface, bytes.length);
    this.#preface -= at;
    while (!this.#done && bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + FRAME_HEADER_BYTES + length;
      const isHeaders = bytes[at + 3] === HEADERS;
      // Too large: nghttp2 ends the connection for it, and may do so at once.
      if (length > FRAME_BYTES_MAX) this.#done = true;
      else if (bytes.length < end) break;
      else if (isHeaders) {
        mendHeaders(bytes.subarray(at + FRAME_HEADER_BYTES, end), bytes[at + 4] ?? 0);
        this.#done = true;
      }
      at = this.#done ? bytes.length : end;
    }
    this.#held = bytes.subarray(at);
    return bytes.subarray(0, at);
  }
}

function mendHeaders(payload: Buffer, flags: number): void {
  let start = 0;
  let end = payload.length;
  if (flags & PADDED) {
    end -= payload[0] ?? 0;
    start += 1;
  }
  if (flags & PRIORITY) start += 5;
  if (start >= end) return;
  const value = findAuthority(payload.subarray(start, end));
  if (value === undefined) return;
  for (const { scheme, standIn } of SCHEMES) {
    if (value.huffman) mendHuffman(value.bytes, encode(scheme), encode(standIn));
    else if (value.bytes.toString("latin1", 0, scheme.length) === scheme) {
      value.bytes.write(standIn, 0, "latin1");
    }
  }
}

interface Literal {
  readonly bytes: Buffer;
  readonly huffman: boolean;
}

/** Walks a header block (RFC 7541 §6) to the literal value of `:authority`. */
function findAuthority(block: Buffer): Literal | undefined {
  const reader = new HpackReader(block);
  while (reader.more) {
    const first = reader.peek();
    if (first & 0x80) reader.integer(7);
    else if ((first & 0xe0) === 0x20) reader.integer(5);
    else {
      const index = reader.integer((first & 0xc0) === 0x40 ? 6 : 4);
      if (index === 0) reader.string();
      const value = reader.string();
      if (index === AUTHORITY_INDEX) return value;
    }
  }
  return undefined;
}

/** Past the end of the block everything reads as nothing: whoever sent that is told by nghttp2. */
class HpackReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get more(): boolean {
    return this.#at < this.#block.length;
  }

  peek(): number {
    return this.#block[this.#at] ?? 0;
  }

  /** RFC 7541 §5.1; five bytes of continuation are more than any honest length. */
  integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.peek() & mask;
    this.#at++;
    if (value < mask) return value;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.peek();
      this.#at++;
      value += (byte & 0x7f) * 2 ** shift;
      if (!(byte & 0x80)) break;
    }
    return value;
  }

  string(): Literal {
    const huffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    this.#at += length;
    return { bytes, huffman };
  }
}

function mendHuffman(bytes: Buffer, scheme: readonly number[], standIn: readonly number[]): void {
  if (bytes.length * 8 < scheme.length) return;
  for (const [i, bit] of scheme.entries()) if (bitOf(bytes, i) !== bit) return;
  for (const [i, bit] of standIn.entries()) setBit(bytes, i, bit);
}

/** Huffman bits of a text, first to last. */
function encode(text: string): number[] {
  return [...text].flatMap((character) => {
    const [code, bits] = HUFFMAN[character] ?? [0, 0];
    return Array.from({ length: bits }, (_, i) => (code >> (bits - 1 - i)) & 1);
  });
}

function bitOf(bytes: Buffer, i: number): number {
  return ((bytes[i >> 3] ?? 0) >> (7 - (i & 7))) & 1;
}

function setBit(bytes: Buffer, i: number, bit: number): void {
  const mask = 1 << (7 - (i & 7));
  const byte = bytes[i >> 3] ?? 0;
  bytes[i >> 3] = bit ? byte | mask : byte & ~mask;
}
