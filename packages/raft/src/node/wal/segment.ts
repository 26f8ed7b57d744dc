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
  /** Index of the last entry before this segment. */
  readonly lastIndex: number;
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

/** Reads and checks the head; `sequence` is the one in the file's name. */
export function readHead(
  bytes: Uint8Array,
  path: string,
  sequence: number,
  expected: WalIdentity,
): SegmentHead {
  const frame = readFrame(bytes, 0, null);
  if (!frame || frame.type !== FrameType.Segment || frame.payload.length < 8) {
    throw new RaftError("corrupt", `${path}: offset 0: the segment's head is damaged`);
  }
  const { payload } = frame;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const version = view.getUint32(0, true);
  if (version !== WAL_VERSION) {
    const message = `${path}: layout version ${version}; this program reads ${WAL_VERSION}`;
    throw new RaftError("corrupt", message);
  }
  const id = getUint64(view, 8);
  const clusterId = new TextDecoder().decode(payload.subarray(HEAD_FIELDS));
  if (clusterId !== expected.clusterId || id !== expected.id) {
    throw new RaftError(
      "wrong-cluster",
      `${path} belongs to member ${id} of cluster "${clusterId}", ` +
        `not to member ${expected.id} of cluster "${expected.clusterId}"`,
    );
  }
  const named = getUint64(view, 16);
  if (named !== sequence) {
    throw new RaftError("corrupt", `${path}: offset 0: this is segment ${named}, renamed`);
  }
  const size = getUint64(view, 24);
  if (size !== bytes.length) {
    const message = `${path}: offset ${bytes.length}: the file has ${bytes.length} of ${size} bytes`;
    throw new RaftError("corrupt", message);
  }
  const nonce = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  return { clusterId, id, sequence, lastIndex: frame.index, nonce, size: frame.size };
}

/** The whole of a segment. */
export async function readSegment(file: DiskFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(await file.size());
  const got = await readAll(file, bytes, 0);
  return bytes.subarray(0, got);
}
