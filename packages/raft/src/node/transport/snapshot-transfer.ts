import { crc32c } from "../wal/crc32c.js";
import { asArray, asBytes, asNumber, fromCbor, toCborSlice } from "./cbor.js";

/*
 * One call a snapshot. The sender: hello, the envelope with the Snap message, then chunks, and last
 * an empty chunk at the file's length. Where `Feature.SnapshotResume` is agreed the receiver answers
 * the hello with its own and from then on says which offset it wants next: first how far an earlier
 * transfer came, then after each chunk where it goes on, which is the same place again when the chunk
 * was damaged. So one chunk at most is on its way. Without the feature the file is sent from its
 * start without waiting, and a damaged chunk ends the call.
 */

/** Bytes of the file in one message where the receiver asks for each. */
export const CHUNK: number = 1024 * 1024;

/** A part of a snapshot's file on its way. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Whether it came as it was sent. */
  readonly whole: boolean;
}

/** `[offset, CRC32C, bytes]` */
export function encodeChunk(offset: number, bytes: Uint8Array): Buffer {
  return toCborSlice([offset, crc32c(bytes), bytes]);
}

/** The bytes are a view into `message`. */
export function decodeChunk(message: Uint8Array): Chunk {
  const fields = asArray(fromCbor(message), 3, "snapshot chunk");
  const bytes = asBytes(fields[2], "bytes");
  const whole = asNumber(fields[1], "checksum") === crc32c(bytes);
  return { offset: asNumber(fields[0], "offset"), bytes, whole };
}

/** `[offset]`: what the receiver wants next. */
export function encodeWanted(offset: number): Buffer {
  return toCborSlice([offset]);
}

export function decodeWanted(message: Uint8Array): number {
  return asNumber(asArray(fromCbor(message), 1, "wanted offset")[0], "wanted offset");
}
