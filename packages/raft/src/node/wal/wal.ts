import type { Entry, HardState } from "../../index.js";
import { RaftError } from "../../index.js";
import { isDiskFull, writeAllNow } from "../disk/disk.js";
import {
  FrameBuffer,
  FrameType,
  frameSize,
  nextSector,
  SnapshotDetail,
  setUint64,
} from "./frame.js";
import { type ActiveSegment, openSegments } from "./open.js";
import {
  addHead,
  HEAD_FIELDS,
  newNonce,
  preallocate,
  type Segment,
  segmentName,
} from "./segment.js";
import type {
  DurableLog,
  SnapshotPoint,
  WalContent,
  WalIdentity,
  WalOptions,
  WalRecord,
} from "./types.js";

const FIRST_SEGMENT_BYTES = 1024 * 1024;
const SEGMENT_BYTES = 32 * 1024 * 1024;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Markers kept in the heads: the newest snapshot and the one before. */
const SNAPSHOTS_KEPT = 2;
const COMMIT_BYTES = frameSize(0);

interface Pending {
  readonly record: WalRecord;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The log on disk. Everything queued while one fdatasync runs goes into the next batch, so that
 * the cost of a sync is shared (group commit); a batch ends with a commit record, and only one
 * unsynced batch exists at a time, which is what makes a torn tail tell itself from corruption.
 *
 * The write itself is made on the thread (into the page cache, into preallocated space: some
 * microseconds) and the fdatasync off it, so that heartbeats go on during slow syncs.
 *
 * - A failed write or fsync poisons the log: this and all later appends reject with
 *   `storage-failed`, because after a failed fsync the kernel may have dropped the data and call
 *   the pages clean. Open the log again in a new process.
 * - A full disk is met when the next segment is made, one segment ahead (the spare is the
 *   reserve): `onDiskFull(true)` is called while there is still room for what was accepted.
 *   When that is used up as well, appends wait until there is room; nothing is lost.
 */
export class Wal implements DurableLog {
  readonly #options: Required<Omit<WalOptions, "onDiskFull">>;
  readonly #onDiskFull: (full: boolean) => void;
  readonly #frames = new FrameBuffer();
  #active: ActiveSegment;
  #spare: Promise<Segment | null> | null = null;
  /** Segments before the active one, with the last index in each. */
  #older: { sequence: number; lastIndex: number }[];
  #queue: Pending[] = [];
  #flushing = false;
  #flushed: Promise<void> = Promise.resolve();
  #failure: RaftError | null = null;
  #closed = false;
  #closing: Promise<void> | null = null;
  #full = false;
  #batch: number;
  #last: SnapshotPoint;
  #hardState: HardState;
  /** The commit index moved, but no batch has carried it yet. */
  #hardStateUnsaved = false;
  #snapshots: SnapshotPoint[];
  #wake: (() => void) | null = null;

  private constructor(
    options: Required<Omit<WalOptions, "onDiskFull">>,
    onDiskFull: (full: boolean) => void,
    active: ActiveSegment,
    state: {
      batch: number;
      last: SnapshotPoint;
      content: WalContent;
      older: { sequence: number; lastIndex: number }[];
    },
  ) {
    this.#options = options;
    this.#onDiskFull = onDiskFull;
    this.#active = active;
    this.#batch = state.batch;
    this.#last = state.last;
    this.#hardState = state.content.hardState;
    this.#snapshots = state.content.snapshots.slice(-SNAPSHOTS_KEPT);
    this.#older = state.older;
    this.#prepareSpare();
  }

  /**
   * Opens the log in a folder, or starts one.
   *
   * @throws RaftError `wrong-cluster`, `corrupt` (naming file, offset and index), `disk-full`,
   * `storage-failed`
   */
  static async open(given: WalOptions): Promise<{ wal: Wal; content: WalContent }> {
    const { onDiskFull, ...rest } = given;
    const options = {
      segmentBytes: SEGMENT_BYTES,
      maxBatchBytes: BATCH_BYTES,
      diskFullRetryMs: 250,
      ...rest,
    };
    const tell = onDiskFull ?? (() => {});
    const { disk, directory } = options;
    const { replay, active } = await openSegments(disk, directory, options);
    if (active) {
      const content = replay.content();
      const older = replay.segments.slice(0, -1);
      const state = { batch: replay.batch, last: replay.last, content, older };
      return { wal: new Wal(options, tell, active, state), content };
    }
    const content: WalContent = {
      fresh: true,
      hardState: { term: 0, vote: 0, commit: 0 },
      base: 0,
      entries: [],
      snapshots: [],
    };
    const first = await firstSegment(options);
    const state = { batch: 1, last: { index: 0, term: 0 }, content, older: [] };
    return { wal: new Wal(options, tell, first, state), content };
  }

  /** True while the disk has no room for another segment. */
  get diskFull(): boolean {
    return this.#full;
  }

  append(record: WalRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      if (this.#closed) return reject(new RaftError("stopped", "the log is closed"));
      this.#queue.push({ record, resolve, reject });
      if (!this.#flushing) this.#flushed = this.#flush();
    });
  }

  async release(index: number): Promise<void> {
    const { disk, directory } = this.#options;
    // Where a new leader replaced entries, a later segment may end at a lower index: it stays, too.
    const kept = this.#older.findIndex((segment) => segment.lastIndex > index);
    const gone = this.#older.splice(0, kept < 0 ? this.#older.length : kept);
    if (gone.length === 0) return;
    // Oldest first: a crash in between leaves no gap.
    for (const { sequence } of gone) await disk.remove(`${directory}/${segmentName(sequence)}`);
    await disk.syncDirectory(directory);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#flushed;
    const stopped = new RaftError("stopped", "the log is closed");
    for (const pending of this.#queue.splice(0)) pending.reject(stopped);
    const spare = await this.#spare;
    if (spare) {
      await spare.file.close();
      await this.#options.disk.remove(spare.path).catch(() => {});
    }
    await this.#active.file.close();
  }

  /** Writes batches until nothing is queued. Runs at most once at a time. */
  async #flush(): Promise<void> {
    this.#flushing = true;
    // Records given in this turn of the loop share the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#closed && !this.#failure) {
      const batch = this.#take();
      try {
        if (batch.some(({ record }) => needsWrite(record))) await this.#write(batch);
        else for (const { record } of batch) this.#note(record);
      } catch (error) {
        this.#poison(error, batch);
        break;
      }
      for (const pending of batch) pending.resolve();
    }
    this.#flushing = false;
  }

  /** The next batch: all that is queued, up to the bound. */
  #take(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#queue) {
      const size = recordSize(record);
      if (count > 0 && bytes + size > this.#options.maxBatchBytes) break;
      bytes += size;
      count++;
    }
    return count === this.#queue.length ? this.#queue.splice(0) : this.#queue.splice(0, count);
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    let size = 2 * COMMIT_BYTES + frameSize(8);
    for (const { record } of batch) size += recordSize(record);
    if (this.#active.offset + size > this.#active.size) await this.#rotate(size);
    const { nonce } = this.#active;
    this.#frames.clear(this.#options.maxBatchBytes);
    for (const { record } of batch) {
      // A snapshot from the leader restarts the log, and entries given with it come after it.
      if (record.snapshot) this.#addSnapshot(nonce, record.snapshot, record.restart ?? false);
      for (const entry of record.entries ?? []) this.#addEntry(nonce, entry);
      this.#note(record);
    }
    if (this.#hardStateUnsaved) this.#addHardState(nonce);
    this.#frames.addCommit(nonce, ++this.#batch);
    const { file, offset } = this.#active;
    await this.#untilRoom(async () => writeAllNow(file, this.#frames.bytes(), offset));
    await file.sync();
    this.#active.offset = nextSector(offset + this.#frames.length);
  }

  #note(record: WalRecord): void {
    if (!record.hardState) return;
    this.#hardState = record.hardState;
    this.#hardStateUnsaved = true;
  }

  #addEntry(nonce: number, entry: Entry): void {
    this.#frames.add(nonce, FrameType.Entry, entry.type, entry.term, entry.index, entry.data);
    this.#last = { index: entry.index, term: entry.term };
  }

  #addSnapshot(nonce: number, at: SnapshotPoint, restart: boolean): void {
    const detail = restart ? SnapshotDetail.Restart : SnapshotDetail.Taken;
    this.#frames.add(nonce, FrameType.Snapshot, detail, at.term, at.index, EMPTY);
    this.#snapshots = [...this.#snapshots, at].slice(-SNAPSHOTS_KEPT);
    if (restart || at.index > this.#last.index) this.#last = { index: at.index, term: at.term };
  }

  #addHardState(nonce: number): void {
    const { term, vote, commit } = this.#hardState;
    const payload = new Uint8Array(8);
    setUint64(new DataView(payload.buffer), 0, vote);
    this.#frames.add(nonce, FrameType.HardState, 0, term, commit, payload);
    this.#hardStateUnsaved = false;
  }

  /** Goes on in a new segment with room for `needed` bytes. */
  async #rotate(needed: number): Promise<void> {
    const { disk, directory } = this.#options;
    const before = this.#active;
    const sequence = before.sequence + 1;
    const spare = await this.#takeSpare(needed + headBytes(this.#options));
    const path = `${directory}/${segmentName(sequence)}`;
    const nonce = newNonce();
    this.#frames.clear(this.#options.maxBatchBytes);
    addHead(this.#frames, this.#options, nonce, sequence, spare.size, this.#last);
    this.#addHardState(nonce);
    for (const at of this.#snapshots) {
      this.#frames.add(nonce, FrameType.Snapshot, SnapshotDetail.Taken, at.term, at.index, EMPTY);
    }
    this.#frames.addCommit(nonce, ++this.#batch);
    writeAllNow(spare.file, this.#frames.bytes(), 0);
    await spare.file.sync();
    await disk.rename(spare.path, path);
    await disk.syncDirectory(directory);
    const offset = nextSector(this.#frames.length);
    this.#active = { file: spare.file, path, size: spare.size, sequence, nonce, offset };
    this.#older.push({ sequence: before.sequence, lastIndex: this.#last.index });
    await before.file.close();
    this.#prepareSpare();
  }

  /** The prepared segment; where there is none or it is too small, one is made, waiting for room. */
  async #takeSpare(needed: number): Promise<Segment> {
    const spare = await this.#spare;
    this.#spare = null;
    if (spare && spare.size >= needed) return spare;
    if (spare) await spare.file.close();
    const size = Math.max(needed, this.#nextSize());
    return await this.#untilRoom(() => this.#preallocate(size));
  }

  #prepareSpare(): void {
    this.#spare = this.#preallocate(this.#nextSize()).then(
      (segment) => {
        this.#setFull(false);
        return segment;
      },
      (error: unknown) => {
        // Any other error is met again, and reported, when the segment is needed.
        if (isDiskFull(error)) this.#awaitRoom();
        return null;
      },
    );
  }

  /** Tries again for a spare as long as the disk is full. */
  #awaitRoom(): void {
    this.#setFull(true);
    const timer = setTimeout(() => {
      if (this.#closed || this.#failure || !this.#full || this.#spare === null) return;
      this.#prepareSpare();
    }, this.#options.diskFullRetryMs);
    timer.unref();
  }

  #preallocate(size: number): Promise<Segment> {
    return preallocate(this.#options.disk, `${this.#options.directory}/spare.tmp`, size);
  }

  #nextSize(): number {
    return Math.min(this.#options.segmentBytes, this.#active.size * 4);
  }

  /** Repeats `work` while it fails for want of room. */
  async #untilRoom<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await work();
        return result;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        if (this.#closed) throw new RaftError("disk-full", "no space left for the log");
        this.#setFull(true);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, this.#options.diskFullRetryMs);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        this.#wake = null;
      }
    }
  }

  #setFull(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    this.#onDiskFull(full);
  }

  #poison(cause: unknown, batch: readonly Pending[]): void {
    this.#failure = RaftError.is(cause)
      ? cause
      : new RaftError("storage-failed", `${this.#active.path}: ${String(cause)}`, { cause });
    for (const pending of batch) pending.reject(this.#failure);
    for (const pending of this.#queue.splice(0)) pending.reject(this.#failure);
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** Head, hard state, the snapshot points and a commit record; a UTF-16 unit is at most 3 bytes. */
function headBytes({ clusterId }: WalIdentity): number {
  const head = frameSize(HEAD_FIELDS + 3 * clusterId.length);
  return nextSector(head + frameSize(8) + (SNAPSHOTS_KEPT + 1) * COMMIT_BYTES);
}

function needsWrite(record: WalRecord): boolean {
  return record.sync || (record.entries?.length ?? 0) > 0 || Boolean(record.snapshot);
}

function recordSize(record: WalRecord): number {
  let size = record.snapshot ? COMMIT_BYTES : 0;
  for (const entry of record.entries ?? []) size += frameSize(entry.data.length);
  return size;
}

async function firstSegment(
  options: WalIdentity & Pick<Required<WalOptions>, "disk" | "directory" | "segmentBytes">,
): Promise<ActiveSegment> {
  const { disk, directory, segmentBytes } = options;
  const size = Math.min(FIRST_SEGMENT_BYTES, segmentBytes);
  const path = `${directory}/${segmentName(1)}`;
  try {
    const segment = await preallocate(disk, `${directory}/first.tmp`, size);
    const nonce = newNonce();
    const frames = new FrameBuffer(headBytes(options));
    addHead(frames, options, nonce, 1, size, { index: 0, term: 0 });
    frames.addCommit(nonce, 1);
    writeAllNow(segment.file, frames.bytes(), 0);
    await segment.file.sync();
    await disk.rename(segment.path, path);
    await disk.syncDirectory(directory);
    return { ...segment, path, sequence: 1, nonce, offset: nextSector(frames.length) };
  } catch (cause) {
    const code = isDiskFull(cause) ? "disk-full" : "storage-failed";
    throw new RaftError(code, `${path}: ${String(cause)}`, { cause });
  }
}
