import { randomInt } from "node:crypto";
import { RaftError } from "../../index.js";
import { type Disk, type DiskFile, readAll, writeAll } from "../disk/disk.js";
import { type FrameBuffer, FrameType, getUint64, readFrame, setUint64 } from "./frame.js";
import type { WalIdentity } from "./types.js";

/** Version of the layout; a newer one is refused. */
const WAL_VERSION = 2;
/** Bytes before the cluster's name in a head: version, member, sequence number, size of the file. */
export const HEAD_FIELDS = 32;
const NAME = /^([0-9a-f]{16})\.wal$/;
/** Zeros are written in pieces, so that one preallocation does not hold a pool thread for long. */
const ZEROS: Uint8Array = new Uint8Array(256 * 1024);

/** A preallocated file of the log. */
export interface Segment {
  readonly file: DiskFile;
  readonly path: string;
  readonly size: number;
}

/** What the first frame of a segment says. */
export interface SegmentHead extends WalIdentity {
  readonly sequence: number;
  /** Index and term of the last entry before this segment. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly nonce: number;
  /** Bytes of the frame. */
  readonly size: number;
}

export function segmentName(sequence: number): string {
  return `${sequence.toString(16).padStart(16, "0")}.wal`;
}

/** Sequence number in a segment's name, or null for another file. */
export function segmentSequence(name: string): number | null {
  const match = NAME.exec(name);
  return match ? Number.parseInt(match[1]!, 16) : null;
}

/** Creates `path` full of durable zeros, so that later writes change no metadata and find room. */
export async function preallocate(disk: Disk, path: string, size: number): Promise<Segment> {
  await disk.remove(path);
  const file = await disk.open(path, "create");
  try {
    for (let at = 0; at < size; at += ZEROS.length) {
      await writeAll(file, ZEROS.subarray(0, Math.min(ZEROS.length, size - at)), at);
    }
    await file.sync();
  } catch (error) {
    await file.close();
    await disk.remove(path);
    throw error;
  }
  return { file, path, size };
}

export function newNonce(): number {
  return randomInt(1, 0xffffffff);
}

export function addHead(
  frames: FrameBuffer,
  identity: WalIdentity,
  nonce: number,
  sequence: number,
  size: number,
  last: { index: number; term: number },
): void {
  const cluster = new TextEncoder().encode(identity.clusterId);
  const payload = new Uint8Array(HEAD_FIELDS + cluster.length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, WAL_VERSION, true);
  setUint64(view, 8, identity.id);
  setUint64(view, 16, sequence);
  setUint64(view, 24, size);
  payload.set(cluster, HEAD_FIELDS);
  frames.add(nonce, FrameType.Segment, 0, last.term, last.index, payload);
}

/** Reads the head, or tells what is wrong with it; `sequence` is the one in the file's name. */
export function readHead(
  bytes: Uint8Array,
  sequence: number,
): SegmentHead | { readonly offset: number; readonly what: string } {
  const frame = readFrame(bytes, 0, null);
  if (!frame || frame.type !== FrameType.Segment || frame.payload.length < 4) {
    return { offset: 0, what: "the segment's head is damaged" };
  }
  const { payload } = frame;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const version = view.getUint32(0, true);
  if (version !== WAL_VERSION || payload.length < HEAD_FIELDS) {
    return { offset: 0, what: `layout version ${version}; this program reads ${WAL_VERSION}` };
  }
  const [id, named, size] = [getUint64(view, 8), getUint64(view, 16), getUint64(view, 24)];
  const { index: lastIndex, term: lastTerm } = frame;
  if (![id, named, size, lastIndex, lastTerm].every(Number.isSafeInteger)) {
    return { offset: 0, what: "a number in the segment's head is impossible" };
  }
  if (named !== sequence) return { offset: 0, what: `this is segment ${named}, renamed` };
  if (size !== bytes.length) {
    return { offset: bytes.length, what: `the file has ${bytes.length} of ${size} bytes` };
  }
  const clusterId = new TextDecoder().decode(payload.subarray(HEAD_FIELDS));
  const nonce = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  return { clusterId, id, sequence, lastIndex, lastTerm, nonce, size: frame.size };
}

/** @throws RaftError `wrong-cluster` */
export function checkIdentity(head: WalIdentity, expected: WalIdentity, path: string): void {
  if (head.clusterId === expected.clusterId && head.id === expected.id) return;
  throw new RaftError(
    "wrong-cluster",
    `${path} belongs to member ${head.id} of cluster "${head.clusterId}", ` +
      `not to member ${expected.id} of cluster "${expected.clusterId}"`,
  );
}

/** The whole of a segment. */
export async function readSegment(file: DiskFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(await file.size());
  const got = await readAll(file, bytes, 0);
  return bytes.subarray(0, got);
}
