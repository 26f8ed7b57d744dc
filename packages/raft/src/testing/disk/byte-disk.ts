import { RaftError } from "../../core/errors.js";
import type { HardState, NodeId, Snapshot } from "../../core/types.js";
import {
  FrameBuffer,
  FrameType,
  frameSize,
  nextSector,
  SnapshotDetail,
  setUint64,
} from "../../node/wal/frame.js";
import { WalReplay } from "../../node/wal/replay.js";
import { addHead, segmentName } from "../../node/wal/segment.js";
import type { SnapshotPoint, WalContent, WalIdentity } from "../../node/wal/types.js";
import type { Random } from "../random.js";
import type { DiskWork, LogDisk, Recovered, RecoveredContent } from "./log-disk.js";
import { cutShort, loseSectors, rotBits } from "./sectors.js";

const EMPTY: Uint8Array = new Uint8Array(0);
const CLUSTER = "simulated";
/** Snapshots that are kept, and marked in the head of each segment. */
const SNAPSHOTS_KEPT = 2;
const COMMIT_BYTES = frameSize(0);
const FRAMES_KEPT_BYTES = 64 * 1024;

interface Segment {
  readonly sequence: number;
  readonly nonce: number;
  readonly bytes: Uint8Array;
  /** Where the next batch goes. */
  offset: number;
}

/** The batch between its write and its sync. */
interface Unsynced {
  readonly works: number;
  readonly segment: Segment;
  readonly from: number;
  readonly to: number;
  /** Its segment was made for it, whose name may not be durable yet. */
  readonly rotated: boolean;
}

/**
 * A disk of sectors that holds the bytes of the real log: frames and segments are written as `Wal`
 * writes them (`src/node/wal`), and read back by its own `WalReplay`. A crash leaves the batch under
 * way short, or without any of its sectors; bits rot.
 */
export class ByteDisk implements LogDisk {
  readonly #identity: WalIdentity;
  readonly #segmentBytes: number;
  readonly #frames = new FrameBuffer(1024);
  /** Oldest first; the last is written to. */
  #segments: Segment[] = [];
  /** By sequence number: the last index in each segment but the newest. */
  readonly #lastIndexes = new Map<number, number>();
  /** Files of snapshots, and those of them that the log has marked. */
  #files: Snapshot[] = [];
  #marks: SnapshotPoint[] = [];
  #unmarked: SnapshotPoint[] = [];
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #last: SnapshotPoint = { index: 0, term: 0 };
  #batch = 0;
  /** Where the commit record of the newest synced batch begins in its segment. */
  #lastCommit = { segment: 0, at: 0 };
  #unsynced: Unsynced | null = null;
  #spares = 1;
  #mayRefuse = false;

  constructor(id: NodeId, segmentBytes: number) {
    this.#identity = { clusterId: CLUSTER, id };
    this.#segmentBytes = segmentBytes;
    this.#addSegment(0);
  }

  get mayRefuse(): boolean {
    return this.#mayRefuse;
  }

  begin(batch: readonly DiskWork[]): void {
    const size = this.#sizeOf(batch);
    const rotated = this.#active.offset + size > this.#active.bytes.length;
    if (rotated) this.#addSegment(size);
    const segment = this.#active;
    this.#frames.clear(FRAMES_KEPT_BYTES);
    for (const mark of this.#unmarked) this.#addMark(segment.nonce, mark);
    this.#unmarked = [];
    for (const work of batch) this.#addWork(segment.nonce, work);
    this.#addHardState(segment.nonce);
    this.#frames.addCommit(segment.nonce, ++this.#batch);
    const from = segment.offset;
    const to = from + this.#frames.length;
    segment.bytes.set(this.#frames.bytes(), from);
    segment.offset = nextSector(to);
    this.#unsynced = { works: batch.length, segment, from, to, rotated };
  }

  sync(): void {
    const { segment, to } = this.#unsynced!;
    this.#lastCommit = { segment: segment.sequence, at: to - COMMIT_BYTES };
    this.#unsynced = null;
    this.#release();
  }

  keepSnapshot(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    this.#files.push(snapshot);
    this.#unmarked.push({ index, term });
  }

  hasRoom(batch: readonly DiskWork[]): boolean {
    const { offset, bytes } = this.#active;
    return offset + this.#sizeOf(batch) <= bytes.length || this.#spares-- > 0;
  }

  crash(random: Random, mayRefuse: boolean): void {
    this.#spares = 1;
    const unsynced = this.#unsynced;
    if (unsynced === null) return;
    const { segment, from, to, rotated } = unsynced;
    if (rotated && random.chance(0.3)) {
      this.#segments.pop();
      return;
    }
    const choice = random.int(mayRefuse ? 4 : 3);
    if (choice === 0) cutShort(segment.bytes, from, to, 0);
    else if (choice === 1) cutShort(segment.bytes, from, to, random.int(to - from));
    else if (choice === 3) this.#mayRefuse ||= loseSectors(segment.bytes, from, to, random);
  }

  recover(random: Random): Recovered {
    const replay = this.#replay(random);
    const content = replay.content();
    const unsynced = this.#unsynced;
    const survived = unsynced !== null && replay.batch >= this.#batch ? unsynced.works : 0;
    if (survived > 0) {
      this.#lastCommit = { segment: unsynced!.segment.sequence, at: unsynced!.to - COMMIT_BYTES };
    }
    this.#unsynced = null;
    this.#unmarked = [];
    this.#batch = replay.batch;
    this.#last = replay.last;
    this.#hardState = content.hardState;
    this.#marks = content.snapshots.slice(-SNAPSHOTS_KEPT);
    this.#files = this.#files.filter(({ metadata }) => {
      return this.#marks.some(({ index }) => index === metadata.index);
    });
    const found = this.#contentOf(content);
    this.#mayRefuse = false;
    return { survived, content: found };
  }

  rot(random: Random): boolean {
    const segment = random.pick(this.#segments);
    const { sequence, bytes, offset } = segment;
    if (this.#unsynced !== null || sequence > this.#lastCommit.segment) return false;
    // A damaged commit record of the last batch looks like a torn write: no log alone can tell.
    const end = sequence === this.#lastCommit.segment ? this.#lastCommit.at : offset;
    rotBits(bytes, end, random);
    this.#mayRefuse = true;
    return true;
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  /** Reads all segments as `Wal.open` does, and repairs a torn tail, perhaps at the second attempt. */
  #replay(random: Random): WalReplay {
    for (;;) {
      const replay = new WalReplay(this.#identity);
      let torn = false;
      for (const segment of this.#segments) {
        const { sequence } = segment;
        const newest = segment === this.#active;
        const read = segment.bytes.slice();
        const found = replay.segment(read, segmentName(sequence), sequence, newest);
        segment.offset = found.end;
        torn = found.torn;
      }
      if (!torn) return replay;
      const { bytes, offset } = this.#active;
      // Power may go while the tail is being zeroed.
      if (random.chance(0.2)) loseSectors(bytes, offset, bytes.length, random);
      else {
        bytes.fill(0, offset);
        return replay;
      }
    }
  }

  /** What the member starts from: the newest snapshot that the log goes on from, and the entries after. */
  #contentOf({ base, entries, hardState }: WalContent): RecoveredContent {
    const usable = this.#files.filter(({ metadata }) => metadata.index >= base);
    const snapshot = usable.reduce<Snapshot | null>((best, file) => {
      return best !== null && best.metadata.index > file.metadata.index ? best : file;
    }, null);
    if (snapshot === null && base > 0) {
      throw new RaftError("corrupt", `the log begins after ${base}, and no snapshot reaches it`);
    }
    const start = snapshot?.metadata.index ?? 0;
    return { hardState, snapshot, entries: entries.slice(start - base) };
  }

  #sizeOf(batch: readonly DiskWork[]): number {
    let size = COMMIT_BYTES * (1 + this.#unmarked.length) + frameSize(8);
    for (const { entries, snapshot } of batch) {
      if (snapshot !== null) size += COMMIT_BYTES;
      for (const entry of entries) size += frameSize(entry.data.length);
    }
    return size;
  }

  #addWork(nonce: number, { snapshot, entries, hardState }: DiskWork): void {
    if (snapshot !== null) {
      const { index, term } = snapshot.metadata;
      this.#files.push(snapshot);
      this.#addMark(nonce, { index, term }, SnapshotDetail.Restart);
      this.#last = { index, term };
    }
    for (const { type, term, index, data } of entries) {
      this.#frames.add(nonce, FrameType.Entry, type, term, index, data);
      this.#last = { index, term };
    }
    if (hardState !== null) this.#hardState = hardState;
  }

  #addMark(
    nonce: number,
    mark: SnapshotPoint,
    detail: (typeof SnapshotDetail)[keyof typeof SnapshotDetail] = SnapshotDetail.Taken,
  ): void {
    this.#frames.add(nonce, FrameType.Snapshot, detail, mark.term, mark.index, EMPTY);
    this.#marks = [...this.#marks, mark].slice(-SNAPSHOTS_KEPT);
  }

  #addHardState(nonce: number): void {
    const { term, vote, commit } = this.#hardState;
    const payload = new Uint8Array(8);
    setUint64(new DataView(payload.buffer), 0, vote);
    this.#frames.add(nonce, FrameType.HardState, 0, term, commit, payload);
  }

  /** A new segment whose head is durable, with room for `needed` bytes more. */
  #addSegment(needed: number): void {
    const before = this.#segments.at(-1);
    const sequence = (before?.sequence ?? 0) + 1;
    const nonce = nonceOf(this.#identity.id, this.#batch);
    const head = nextSector(frameSize(64) + frameSize(8) + (SNAPSHOTS_KEPT + 1) * COMMIT_BYTES);
    const size = Math.max(this.#segmentBytes, nextSector(head + needed));
    const frames = this.#frames;
    frames.clear(FRAMES_KEPT_BYTES);
    addHead(frames, this.#identity, nonce, sequence, size, this.#last);
    this.#addHardState(nonce);
    for (const { term, index } of this.#marks) {
      frames.add(nonce, FrameType.Snapshot, SnapshotDetail.Taken, term, index, EMPTY);
    }
    frames.addCommit(nonce, ++this.#batch);
    const bytes = new Uint8Array(size);
    bytes.set(frames.bytes());
    if (before !== undefined) this.#lastIndexes.set(before.sequence, this.#last.index);
    this.#segments.push({ sequence, nonce: nonce, bytes, offset: nextSector(frames.length) });
  }

  /** Drops what lies before the older of the snapshots that are kept. */
  #release(): void {
    const older = this.#marks[0];
    if (this.#marks.length < SNAPSHOTS_KEPT || older === undefined) return;
    this.#files = this.#files.filter(({ metadata }) => metadata.index >= older.index);
    while (this.#segments.length > 1) {
      const { sequence } = this.#segments[0]!;
      if (this.#lastIndexes.get(sequence)! > older.index) return;
      this.#lastIndexes.delete(sequence);
      this.#segments.shift();
    }
  }
}

/** Differs from segment to segment and from member to member, as the real one's random numbers do. */
function nonceOf(id: NodeId, batch: number): number {
  return (Math.imul(id, 0x9e3779b1) ^ Math.imul(batch + 1, 0x85ebca6b)) >>> 0;
}
