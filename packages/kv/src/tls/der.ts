import { Buffer } from "node:buffer";

/** ITU-T X.690: the few shapes of DER that a certificate is made of. */
const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer =>
  tlv(TAG.sequence, ...content);
export const set = (...content: readonly Uint8Array[]): Buffer => tlv(TAG.set, ...content);
export const octets = (bytes: Uint8Array): Buffer => tlv(TAG.octetString, bytes);
export const bits = (bytes: Uint8Array): Buffer => tlv(TAG.bitString, Buffer.from([0]), bytes);
export const text = (value: string): Buffer => tlv(TAG.utf8, Buffer.from(value, "utf8"));
export const yes: Buffer = Buffer.from([0x01, 0x01, 0xff]);

/** A positive integer of these bytes, most significant first. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return tlv(TAG.integer, ...(isNegative ? [Buffer.from([0])] : []), bytes);
}

/** GeneralizedTime, in UTC. */
export function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-T:]/g, "");
  return tlv(TAG.time, Buffer.from(`${digits}Z`, "latin1"));
}

/** An object identifier in dots. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tlv(TAG.oid, Buffer.from(bytes));
}
