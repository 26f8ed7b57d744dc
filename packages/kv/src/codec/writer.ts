import { Buffer } from "node:buffer";

const INITIAL_BYTES = 16 * 1024;
/** A scratch that one big message has blown up beyond this is dropped after use. */
const KEPT_BYTES_MAX = 1024 * 1024;
const TWO_32 = 0x1_0000_0000;

/** Protobuf's wire types, as far as proto3 has them. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Writes protobuf back to front: a nested message is complete before its length is written, so
 * no sizes are computed beforehand and nothing is moved. Fields are therefore written in falling
 * order of their numbers, which gives the usual rising order on the wire.
 *
 * Fields of proto3's default value are left out, as in generated code.
 */
export class Writer {
  #buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  /** Everything from here to the end is written. */
  #at = INITIAL_BYTES;

  /** Bytes written so far; hand it to {@link Writer.close} to end a nested message. */
  get mark(): number {
    return this.#buffer.length - this.#at;
  }

  #reserve(bytes: number): void {
    if (this.#at >= bytes) return;
    const written = this.mark;
    let size = this.#buffer.length * 2;
    while (size - written < bytes) size *= 2;
    const grown = Buffer.allocUnsafe(size);
    this.#buffer.copy(grown, size - written, this.#at);
    this.#buffer = grown;
    this.#at = size - written;
  }

  #varint32(value: number): void {
    if (value < 0x80) {
      this.#buffer[--this.#at] = value;
      return;
    }
    let length = 2;
    for (let rest = value >>> 14; rest !== 0; rest >>>= 7) length += 1;
    this.#at -= length;
    let at = this.#at;
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[at] = rest;
  }

  /** A 64-bit varint given as two halves. */
  #varint64(low: number, high: number): void {
    if (high === 0) {
      this.#varint32(low);
      return;
    }
    const digits: number[] = [];
    let lo = low >>> 0;
    let hi = high >>> 0;
    while (hi !== 0 || lo >= 0x80) {
      digits.push((lo & 0x7f) | 0x80);
      lo = ((lo >>> 7) | (hi << 25)) >>> 0;
      hi >>>= 7;
    }
    digits.push(lo);
    this.#at -= digits.length;
    for (let i = 0; i < digits.length; i++) this.#buffer[this.#at + i] = digits[i] as number;
  }

  #tag(field: number, wire: number): void {
    this.#varint32((field << 3) | wire);
  }

  /** An int64 or uint64 field given as a number; negative ones take ten bytes, as in protobuf. */
  int(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(15);
    const high = Math.floor(value / TWO_32);
    this.#varint64((value - high * TWO_32) >>> 0, high >>> 0);
    this.#tag(field, WIRE.varint);
  }

  /** An int64 or uint64 field given as a bigint. */
  bigint(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#reserve(15);
    const bits = BigInt.asUintN(64, value);
    this.#varint64(Number(bits & 0xffff_ffffn), Number(bits >> 32n));
    this.#tag(field, WIRE.varint);
  }

  bool(field: number, value: boolean | undefined): void {
    if (value === true) this.int(field, 1);
  }

  /** A bytes field; left out when empty unless `always`, which oneof members and repeated fields need. */
  bytes(field: number, value: Uint8Array | undefined, always = false): void {
    if (value === undefined || (value.length === 0 && !always)) return;
    this.#reserve(value.length + 10);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
    this.#varint32(value.length);
    this.#tag(field, WIRE.bytes);
  }

  string(field: number, value: string, always = false): void {
    if (value.length === 0 && !always) return;
    this.bytes(field, Buffer.from(value, "utf8"), always);
  }

  /** Bytes that are fields already. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[--this.#at] = value;
  }

  /** Ends a nested message that began (at its end) at `mark`. */
  close(field: number, mark: number): void {
    this.#reserve(10);
    this.#varint32(this.mark - mark);
    this.#tag(field, WIRE.bytes);
  }

  /** A copy of what was written; the writer is empty again. */
  finish(): Buffer {
    const out = Buffer.allocUnsafe(this.mark);
    this.#buffer.copy(out, 0, this.#at);
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#at = this.#buffer.length;
    return out;
  }

  /** Forgets what an encoder that threw has left behind. */
  reset(): void {
    this.#at = this.#buffer.length;
  }
}

const scratch = new Writer();

/**
 * Runs an encoder on the one scratch writer of this thread and returns its bytes as a buffer of
 * their own. Encoders are synchronous and do not nest calls of this.
 */
export function encode<A extends readonly unknown[]>(
  write: (writer: Writer, ...args: A) => void,
  ...args: A
): Buffer {
  scratch.reset();
  write(scratch, ...args);
  return scratch.finish();
}
