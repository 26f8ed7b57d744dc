import { crc32 } from "node:zlib";
import { KvError } from "../api/errors.js";
import type { Bytes } from "../api/types.js";

/**
 * A snapshot is a stream of frames, all numbers little-endian:
 *
 * - frame: type (u8), payload length (u32), payload, CRC-32 of all before (u32)
 * - `header` (first): "flotilla-kv" and the format version (u32), then revision, compacted
 *   revision, applied index and applied term (f64 each, whole numbers)
 * - `leases`: ID (i64) and TTL in seconds (f64) of each
 * - `versions`: of each version, those of one key side by side, oldest first, keys in order: key length,
 *   value length and place within its revision (u32 each), modified, created, version (f64 each;
 *   version 0 is a deletion), lease (i64), key, value
 * - `auth`, since version 2: users and roles as commands on the log are, each after its length (u32)
 * - `end` (last): number of leases and of versions (f64 each), CRC-32 of all frames before it (u32)
 */
export const FRAME = { header: 1, leases: 2, versions: 3, end: 4, auth: 5 } as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** What is written: the oldest that can hold it, so that members of the version before can read it. */
export const FORMAT_VERSION = { plain: 1, withAuth: 2 } as const;
export const MAGIC: Bytes = Buffer.from("flotilla-kv");
export const FRAME_HEAD = 5;
export const FRAME_TAIL = 4;
export const LEASE_BYTES = 16;
export const VERSION_HEAD = 44;

/** Payload that a frame of many records is cut at; one record may be longer by itself. */
export const FRAME_TARGET_BYTES = 65_536;
/** What no frame of ours exceeds: the longest value consensus lets through is far below. */
const FRAME_MAX_BYTES = 1 << 30;

/** Wraps payloads into frames and keeps the sum over all of them. */
export class FrameWriter {
  sum = 0;

  frame(type: FrameType, payload: Uint8Array): Uint8Array {
    const frame = Buffer.allocUnsafeSlow(FRAME_HEAD + payload.length + FRAME_TAIL);
    frame[0] = type;
    frame.writeUInt32LE(payload.length, 1);
    frame.set(payload, FRAME_HEAD);
    const end = FRAME_HEAD + payload.length;
    frame.writeUInt32LE(crc32(frame.subarray(0, end)), end);
    this.sum = crc32(frame, this.sum);
    return frame;
  }
}

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
  /** The CRC-32 of all frames before this one. */
  readonly sumBefore: number;
}

/** Cuts a stream, whatever its chunks, into frames. Throws KvError `corrupt`. */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Frame, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  let sum = 0;
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? asBuffer(chunk) : Buffer.concat([pending, chunk]);
    let size = frameSize(pending);
    while (size <= pending.length) {
      const frame = pending.subarray(0, size);
      yield { ...openFrame(frame), sumBefore: sum };
      sum = crc32(frame, sum);
      pending = pending.subarray(size);
      size = frameSize(pending);
    }
  }
  if (pending.length > 0) throw corrupt("it ends within a frame");
}

/** An error that says what is wrong with a snapshot. */
export function corrupt(what: string): KvError {
  return new KvError("corrupt", `etcdserver: corrupt cluster: snapshot refused: ${what}`);
}

function openFrame(frame: Buffer): Pick<Frame, "type" | "payload"> {
  const end = frame.length - FRAME_TAIL;
  if (crc32(frame.subarray(0, end)) !== frame.readUInt32LE(end)) {
    throw corrupt("the checksum of a frame does not match");
  }
  return { type: frame[0]!, payload: frame.subarray(FRAME_HEAD, end) };
}

/** Infinity while the length is not known yet. */
function frameSize(bytes: Buffer): number {
  if (bytes.length < FRAME_HEAD) return Number.POSITIVE_INFINITY;
  const length = bytes.readUInt32LE(1);
  if (length > FRAME_MAX_BYTES) throw corrupt(`a frame claims ${length} bytes`);
  return FRAME_HEAD + length + FRAME_TAIL;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
