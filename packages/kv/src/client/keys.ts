import { Buffer } from "node:buffer";
import type { Bytes } from "../api/types.js";
import type { BytesLike, KeySelector } from "./key-value.js";

/** The bytes that a key or value stands for. */
export function toBytes(value: BytesLike): Bytes {
  return typeof value === "string" ? Buffer.from(value, "utf8") : value;
}

/** As a range's end: every key from its start on. */
const ALL: Bytes = Uint8Array.of(0);

/**
 * The end of the interval that holds exactly the keys with a prefix. Where there is none (the
 * prefix is empty or all 0xff) it is one zero byte, which stands for the end of all keys.
 *
 * @example
 * ```ts
 * prefixEnd("a/"); // the bytes of "a0"
 * ```
 */
export function prefixEnd(prefix: BytesLike): Bytes {
  const end = Uint8Array.from(toBytes(prefix));
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return ALL;
}

/** Key and end of what is selected, as requests have them. */
export function toInterval(
  key: BytesLike,
  selector: KeySelector | undefined,
): { readonly key: Bytes; readonly rangeEnd?: Bytes } {
  const bytes = toBytes(key);
  if (selector?.prefix === true) {
    // An empty prefix is every key; the smallest key there can be is one zero byte.
    return { key: bytes.length === 0 ? ALL : bytes, rangeEnd: prefixEnd(bytes) };
  }
  if (selector?.rangeEnd === undefined) return { key: bytes };
  return { key: bytes, rangeEnd: toBytes(selector.rangeEnd) };
}
