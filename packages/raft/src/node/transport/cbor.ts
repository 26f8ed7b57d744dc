import { Encoder, type Options } from "cbor-x";

/**
 * The one cbor-x configuration: plain arrays (no record extension, whose tables would have to be
 * kept in step on both sides), 64-bit integers as numbers, byte strings untagged. Integers from
 * 2^32 on travel as float64, exact up to 2^53.
 *
 * Decoded byte strings are views into what was decoded.
 */
const settings: Options & { int64AsNumber: boolean } = {
  useRecords: false,
  mapsAsObjects: false,
  // Missing in cbor-x's own types.
  int64AsNumber: true,
  tagUint8Array: false,
  structuredClone: false,
};
const coder: Encoder = new Encoder(settings);

/** A value as CBOR, in memory of its own (cbor-x hands out slices of a larger slab). */
export function toCbor(value: unknown): Uint8Array {
  return Uint8Array.from(coder.encode(value));
}

/** A value as CBOR for sending at once: the memory belongs to a shared slab. */
export function toCborSlice(value: unknown): Buffer {
  return coder.encode(value);
}

/** Throws on malformed input. */
export function fromCbor(bytes: Uint8Array): unknown {
  return coder.decode(bytes);
}

/** The value if it is an array of at least `length`, else an error naming `what`. */
export function asArray(value: unknown, length: number, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length >= length) return value;
  throw new TypeError(`${what}: expected an array of ${length} or more`);
}

export function asNumber(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new TypeError(`${what}: expected a safe integer`);
}

export function asString(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${what}: expected text`);
}

export function asBoolean(value: unknown, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${what}: expected a boolean`);
}

export function asBytes(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${what}: expected bytes`);
}
