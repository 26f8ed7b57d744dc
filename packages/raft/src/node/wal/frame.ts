import { crc32c } from "./crc32c.js";

/*
 * A frame, little-endian, padded with zeros to 8 bytes:
 *
 *   0  u32 CRC32C over bytes [4, 32 + length)
 *   4  u32 length of the payload
 *   8  u8  frame type; u24 an entry's type, or the order of a commit record's frames
 *  12  u32 the segment's nonce: a frame of another segment, or one inside somebody's payload,
 *          does not pass for one of ours
 *  16  u64 term
 *  24  u64 index
 *  32  payload
 */

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Bytes before a frame's payload. */
export const FRAME_HEADER = 32;

/**
 * Batches begin on a sector's edge: the write of one never touches a sector that holds synced data
 * of another, so that a torn sector can hurt only the batch that was being written.
 */
export function nextSector(at: number): number {
  return (at + 511) & ~511;
}

/** What a frame holds; its `term` and `index` mean what is said here. */
export const FrameType = {
  /** Head of a segment: term and index of the last entry before it; payload: {@link SegmentHead}. */
  Segment: 1,
  /** One entry of the log. */
  Entry: 2,
  /** term; index is the commit index; payload: the vote as u64. */
  HardState: 3,
  /** A snapshot of (term, index) is durable; detail: {@link SnapshotDetail}. */
  Snapshot: 4,
  /**
   * End of a batch: term is its length in bytes up to here, index its number, which goes up by one,
   * detail the order of its frames.
   */
  Commit: 5,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** What a snapshot means for the log. */
export const SnapshotDetail = {
  /** It was taken of what the log holds, which goes on. */
  Taken: 0,
  /**
   * It came from the leader, and the log begins anew after it. This cannot be told from its place: it
   * may lie before entries of a deposed leader whose own beginning is gone already.
   */
  Restart: 1,
} as const;

export interface Frame {
  readonly type: number;
  /** An entry's type; a snapshot's meaning; of a commit record, the order of its batch's frames, or 0 where it has none. */
  readonly detail: number;
  readonly term: number;
  readonly index: number;
  /** A view into what was read. */
  readonly payload: Uint8Array;
  /** Bytes on disk, padding included. */
  readonly size: number;
}

/** Bytes a payload of `length` takes as a frame. */
export function frameSize(length: number): number {
  return FRAME_HEADER + ((length + 7) & ~7);
}

/** Frames being gathered for one write; the memory is used again for the next. */
export class FrameBuffer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #order = 0;

  constructor(capacity: number = 64 * 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** The gathered bytes, valid until the next `clear`. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets the frames; memory beyond `keep` bytes is given back. */
  clear(keep: number): void {
    this.#length = 0;
    this.#order = 0;
    if (this.#bytes.length <= keep) return;
    this.#bytes = new Uint8Array(keep);
    this.#view = new DataView(this.#bytes.buffer);
  }

  add(
    nonce: number,
    type: FrameType,
    detail: number,
    term: number,
    index: number,
    payload: Uint8Array,
  ): void {
    const at = this.#length;
    const size = frameSize(payload.length);
    this.#reserve(at + size);
    const view = this.#view;
    const end = at + FRAME_HEADER + payload.length;
    view.setUint32(at + 4, payload.length, true);
    view.setUint32(at + 8, type | (detail << 8), true);
    view.setUint32(at + 12, nonce, true);
    setUint64(view, at + 16, term);
    setUint64(view, at + 24, index);
    this.#bytes.set(payload, at + FRAME_HEADER);
    this.#bytes.fill(0, end, at + size);
    view.setUint32(at, crc32c(this.#bytes, at + 4, end), true);
    this.#order = crc32c(this.#bytes, at, at + 4, this.#order);
    this.#length = at + size;
  }

  /** Ends the batch that the frames are: it is the `batch`th of the log. */
  addCommit(nonce: number, batch: number): void {
    this.add(nonce, FrameType.Commit, orderOf(this.#order), this.#length, batch, NO_BYTES);
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** The frame at `at`, or null where there is no whole and undamaged one of this segment. */
export function readFrame(bytes: Uint8Array, at: number, nonce: number | null): Frame | null {
  if (at + FRAME_HEADER > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(at + 4, true);
  const end = at + FRAME_HEADER + length;
  if (end > bytes.length) return null;
  if (nonce !== null && view.getUint32(at + 12, true) !== nonce) return null;
  if (view.getUint32(at, true) !== crc32c(bytes, at + 4, end)) return null;
  return {
    type: bytes[at + 8]!,
    detail: view.getUint32(at + 8, true) >>> 8,
    term: getUint64(view, at + 16),
    index: getUint64(view, at + 24),
    payload: bytes.subarray(at + FRAME_HEADER, end),
    size: frameSize(length),
  };
}

/** Frames up to the commit record that ends them, or up to where there is no frame. */
export interface Batch {
  readonly frames: readonly { readonly frame: Frame; readonly at: number }[];
  readonly commit: Frame | null;
  /** Where the commit record begins, or where a frame should. */
  readonly at: number;
  /** What the commit record should say of the order. */
  readonly order: number;
}

/** Reads frames from `from` on; `begun` is where their batch begins, before the head of a segment. */
export function readBatch(bytes: Uint8Array, begun: number, from: number, nonce: number): Batch {
  const frames: { frame: Frame; at: number }[] = [];
  let order = begun < from ? crc32c(bytes, begun, begun + 4) : 0;
  let at = from;
  for (;;) {
    const frame = readFrame(bytes, at, nonce);
    if (!frame) return { frames, commit: null, at, order: 0 };
    if (frame.type === FrameType.Commit)
      return { frames, commit: frame, at, order: orderOf(order) };
    frames.push({ frame, at });
    order = crc32c(bytes, at, at + 4, order);
    at += frame.size;
  }
}

/**
 * 24 bits of the CRC32C over the CRCs of a batch's frames; 0 is left to logs that have none.
 * Frames that a misdirected write doubled or exchanged are whole, each by itself, and give another.
 */
function orderOf(crc: number): number {
  return crc >>> 8 || 1;
}

/** Where a valid commit frame begins at or after `from`, or −1: the witness that damage is not a torn tail. */
export function findCommit(bytes: Uint8Array, from: number, nonce: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = (from + 7) & ~7; at + FRAME_HEADER <= bytes.length; at += 8) {
    if (bytes[at + 8] !== FrameType.Commit || view.getUint32(at + 12, true) !== nonce) continue;
    if (view.getUint32(at + 4, true) === 0 && readFrame(bytes, at, nonce)) return at;
  }
  return -1;
}

/** True when all of `bytes[from, end)` is zero. */
export function isZero(bytes: Uint8Array, from: number): boolean {
  let at = from;
  for (; at < bytes.length && (bytes.byteOffset + at) % 8 !== 0; at++) {
    if (bytes[at] !== 0) return false;
  }
  const words = (bytes.length - at) >> 3;
  if (words > 0) {
    const wide = new Float64Array(bytes.buffer, bytes.byteOffset + at, words);
    // As a float, -0 equals 0, but it has its sign bit set.
    for (let word = 0; word < words; word++) {
      if (wide[word] !== 0 || Object.is(wide[word], -0)) return false;
    }
    at += words * 8;
  }
  for (; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Writes a safe integer ≥ 0 as little-endian u64. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 4294967296), true);
}

/** Reads a little-endian u64, which must be a safe integer. */
export function getUint64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}
