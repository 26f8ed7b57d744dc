import { crc32c } from "../../src/node/index.js";
import { FRAME_HEADER, readFrame } from "../../src/node/wal/frame.js";

export type Random = () => number;

/** Numbers that lengths, indexes and terms lie with. */
const LIES: readonly number[] = [
  0,
  1,
  7,
  8,
  31,
  32,
  511,
  512,
  65_535,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

export function below(random: Random, n: number): number {
  return Math.floor(random() * n);
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!;
}

/** Bytes with something done to them that a disk, or somebody who means ill, might do. */
export function mutated(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  let result: Uint8Array = bytes.slice();
  for (let count = 1 + below(random, 4); count > 0; count--) {
    result = pick(random, MUTATIONS)(random, result, other);
  }
  return result;
}

type Mutation = (random: Random, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  randomRange,
  cutOrGrow,
  moveRange,
  spliceOther,
  lyingFrame,
  lyingFrame,
  doubledFrame,
  lyingNumber,
];

function flipBits(random: Random, bytes: Uint8Array): Uint8Array {
  for (let flips = 1 + below(random, 8); flips > 0 && bytes.length > 0; flips--) {
    bytes[below(random, bytes.length)]! ^= 1 << below(random, 8);
  }
  return bytes;
}

function randomRange(random: Random, bytes: Uint8Array): Uint8Array {
  const from = below(random, bytes.length);
  const to = Math.min(bytes.length, from + below(random, 600));
  for (let at = from; at < to; at++) bytes[at] = below(random, 256);
  return bytes;
}

function cutOrGrow(random: Random, bytes: Uint8Array): Uint8Array {
  if (random() < 0.5) return bytes.slice(0, below(random, bytes.length + 1));
  const grown = new Uint8Array(bytes.length + below(random, 1000));
  grown.set(bytes);
  return grown;
}

function moveRange(random: Random, bytes: Uint8Array): Uint8Array {
  const step = pick(random, [1, 8, 512]);
  const place = (): number => below(random, Math.ceil(bytes.length / step)) * step;
  const from = place();
  bytes.copyWithin(place(), from, from + step * (1 + below(random, 20)));
  return bytes;
}

function spliceOther(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const step = pick(random, [1, 8, 512]);
  const at = below(random, Math.ceil(bytes.length / step)) * step;
  const from = below(random, Math.ceil(other.length / step)) * step;
  const length = Math.min(below(random, 2000), bytes.length - at);
  if (length > 0) bytes.set(other.subarray(from, from + length), at);
  return bytes;
}

/** A frame that says something else than was written, with a checksum that fits. */
function lyingFrame(random: Random, bytes: Uint8Array): Uint8Array {
  const at = pick(random, framesOf(bytes));
  if (at === undefined) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const field = pick(random, [4, 8, 12, 16, 20, 24, 28]);
  if (at + FRAME_HEADER > bytes.length) return bytes;
  if (field === 8) bytes[at + 8] = below(random, 8);
  else view.setUint32(at + field, pick(random, LIES), true);
  sign(bytes, at);
  return bytes;
}

function doubledFrame(random: Random, bytes: Uint8Array): Uint8Array {
  const frames = framesOf(bytes);
  const [from, to] = [pick(random, frames), pick(random, frames)];
  if (from === undefined || to === undefined) return bytes;
  const frame = readFrame(bytes, from, null);
  if (frame) bytes.copyWithin(to, from, from + frame.size);
  return bytes;
}

/** A number anywhere: most of all the lengths in a snapshot's pieces. */
function lyingNumber(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = random() < 0.4 ? 0 : below(random, bytes.length - 7);
  view.setUint32(at, pick(random, LIES), true);
  return bytes;
}

function framesOf(bytes: Uint8Array): number[] {
  const frames: number[] = [];
  for (let at = 0; at < bytes.length; at += 8) if (readFrame(bytes, at, null)) frames.push(at);
  return frames;
}

/** Makes a frame's checksum right, as far as its length lets one. */
function sign(bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = Math.min(bytes.length, at + FRAME_HEADER + view.getUint32(at + 4, true));
  view.setUint32(at, crc32c(bytes, at + 4, end), true);
}

/** A snapshot's piece with another content, its checksum right: what then has to stop it is its content. */
export function lyingPiece(random: Random, bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  const view = new DataView(result.buffer);
  const length = view.getUint32(0, true);
  if (length === 0 || 8 + length > result.length) return result;
  for (let count = 1 + below(random, 6); count > 0; count--) {
    // 0x9b, 0xbb, 0x5b, 0x7b: an array, a map, bytes, text, of a length in eight bytes.
    const byte = random() < 0.5 ? pick(random, [0x9b, 0xbb, 0x5b, 0x7b, 0xff]) : below(random, 256);
    result[8 + below(random, length)] = byte;
  }
  view.setUint32(4, crc32c(result, 8, 8 + length), true);
  return result;
}
