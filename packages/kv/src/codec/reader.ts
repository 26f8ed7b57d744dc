import { Buffer } from "node:buffer";
import { KvError } from "../api/errors.js";
import { WIRE } from "./writer.js";

const TWO_32 = 0x1_0000_0000;
/** As deep as protobuf's own libraries let messages nest. */
export const DEPTH_MAX = 100;

/** The error of bytes that are no such message; gRPC's own status for it is Internal. */
export function malformed(what: string): KvError {
  return new KvError("internal", `grpc: error unmarshalling message: ${what}`);
}

/**
 * Reads protobuf from a buffer. Bytes fields are views of the input, not copies: who keeps them
 * beyond the call copies them. Every way in which the input can be wrong throws
 * {@link malformed}'s error.
 */
export class Reader {
  readonly #buffer: Uint8Array;
  #at: number;
  #end: number;
  #low = 0;
  #high = 0;
  /** Number of the field whose tag {@link Reader.next} read. */
  field = 0;
  #wire = 0;
  #depth = 0;

  constructor(buffer: Uint8Array, start = 0, end: number = buffer.length) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  /** Reads the next tag into {@link Reader.field}; false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.#varint();
    const tag = this.#low;
    this.field = tag >>> 3;
    this.#wire = tag & 7;
    if (this.field === 0 || this.#high !== 0) throw malformed("illegal field tag");
    return true;
  }

  #varint(): void {
    const buffer = this.#buffer;
    let at = this.#at;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= this.#end) throw malformed("unexpected end of a varint");
      const byte = buffer[at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#at = at;
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw malformed("varint longer than ten bytes");
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) {
      throw malformed(`wrong wire type ${this.#wire} of field ${this.field}`);
    }
  }

  /** An int64 as a number: exact within ±2^53, the nearest double beyond. */
  int(): number {
    this.#expect(WIRE.varint);
    this.#varint();
    return (this.#high | 0) * TWO_32 + this.#low;
  }

  /** A uint64 as a number. */
  uint(): number {
    this.#expect(WIRE.varint);
    this.#varint();
    return this.#high * TWO_32 + this.#low;
  }

  int64(): bigint {
    this.#expect(WIRE.varint);
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low);
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low));
  }

  uint64(): bigint {
    return BigInt.asUintN(64, this.int64());
  }

  bool(): boolean {
    this.#expect(WIRE.varint);
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** An enum's number; proto3's enums are open, so the caller decides about unknown ones. */
  enum(): number {
    this.#expect(WIRE.varint);
    this.#varint();
    return this.#low | 0;
  }

  #length(): number {
    this.#varint();
    if (this.#high !== 0 || this.#low > this.#end - this.#at) {
      throw malformed(`field ${this.field} is longer than its message`);
    }
    return this.#low;
  }

  /** A view of the field's bytes. */
  bytes(): Uint8Array {
    this.#expect(WIRE.bytes);
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, length);
  }

  string(): string {
    const view = this.bytes();
    return Buffer.from(view.buffer, view.byteOffset, view.length).toString("utf8");
  }

  /** Enters a nested message: reads go on within it until `next` is false; {@link Reader.leave} with the result. */
  enter(): number {
    this.#expect(WIRE.bytes);
    if (++this.#depth > DEPTH_MAX) throw malformed("message nested too deeply");
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
    this.#depth -= 1;
  }

  /** True when the current field comes packed (a repeated scalar as one bytes field). */
  get packed(): boolean {
    return this.#wire === WIRE.bytes;
  }

  /** Every element of a packed or single enum field. */
  enums(into: number[]): void {
    if (!this.packed) {
      into.push(this.enum());
      return;
    }
    const outer = this.enter();
    while (this.#at < this.#end) {
      this.#varint();
      into.push(this.#low | 0);
    }
    this.leave(outer);
  }

  /** Passes over a field that is not known. */
  skip(): void {
    switch (this.#wire) {
      case WIRE.varint:
        this.#varint();
        return;
      case WIRE.fixed64:
        this.#advance(8);
        return;
      case WIRE.bytes:
        this.#advance(this.#length());
        return;
      case WIRE.fixed32:
        this.#advance(4);
        return;
      case 3:
        this.#skipGroup(this.field);
        return;
      default:
        throw malformed(`illegal wire type ${this.#wire} of field ${this.field}`);
    }
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#at) throw malformed("unexpected end of message");
    this.#at += bytes;
  }

  /** proto2's groups: no etcd message has them, yet an unknown field may be one. */
  #skipGroup(field: number): void {
    if (++this.#depth > DEPTH_MAX) throw malformed("message nested too deeply");
    while (this.next()) {
      if (this.#wire === 4) {
        if (this.field !== field) throw malformed("mismatched end of a group");
        this.#depth -= 1;
        return;
      }
      this.skip();
    }
    throw malformed("unexpected end of a group");
  }
}
