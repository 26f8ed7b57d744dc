import { type Entry, EntryType, type HardState } from "../../index.js";
import { type Damage, refuseCorrupt } from "./damage.js";
import {
  type Batch,
  type Frame,
  FrameType,
  findCommit,
  getUint64,
  isZero,
  nextSector,
  readBatch,
  readFrame,
  SnapshotDetail,
} from "./frame.js";
import { checkIdentity, readHead, type SegmentHead } from "./segment.js";
import type { SnapshotPoint, WalContent, WalIdentity } from "./types.js";

const ENTRY_TYPES: ReadonlySet<number> = new Set(Object.values(EntryType));

/** What was read of a segment. */
export interface SegmentSummary {
  readonly path: string;
  readonly sequence: number;
  readonly bytes: number;
  /** Where its valid content ends. */
  readonly end: number;
  readonly batches: number;
  readonly frames: number;
  /** First and last index of the entries in it; 0 where it holds none. */
  readonly firstIndex: number;
  readonly lastEntry: number;
  /** Index of the log's last entry at its end. */
  readonly lastIndex: number;
}

/**
 * Rebuilds a log from its segments, oldest first. Damage is one of two things: a torn tail, that is
 * damage with no valid commit record after it in the newest segment, which a crash can leave and
 * which was never acknowledged; or corruption, which is never guessed over.
 *
 * `onDamage` is told of both. When it does not throw, reading goes on after the damage, so that all
 * of it is found; the content then is not one to start from.
 */
export class WalReplay {
  readonly #onDamage: (damage: Damage) => void;
  #identity: WalIdentity | null;
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #base = 0;
  #entries: Entry[] = [];
  #snapshots: SnapshotPoint[] = [];
  #batch = 0;
  #lastTerm = 0;
  /** Nothing is known of what is before: at the start, and after damage that was passed over. */
  #open = true;
  readonly segments: SegmentSummary[] = [];

  /** `identity`: whose log it must be; null takes that of the first segment. */
  constructor(identity: WalIdentity | null, onDamage: (damage: Damage) => void = refuseCorrupt) {
    this.#identity = identity;
    this.#onDamage = onDamage;
  }

  /** Whose log it is; null where no head could be read. */
  get identity(): WalIdentity | null {
    return this.#identity;
  }

  /** Number of the last batch. */
  get batch(): number {
    return this.#batch;
  }

  get last(): { index: number; term: number } {
    const entry = this.#entries.at(-1);
    return entry
      ? { index: entry.index, term: entry.term }
      : { index: this.#base, term: this.#lastTerm };
  }

  content(): WalContent {
    return {
      fresh: false,
      hardState: this.#hardState,
      base: this.#base,
      entries: this.#entries,
      snapshots: this.#snapshots,
    };
  }

  /**
   * Takes one segment; returns where its valid content ends and its nonce. What follows there in
   * the newest segment is to be zeroed (`torn`) before anything is written.
   */
  segment(
    bytes: Uint8Array,
    path: string,
    sequence: number,
    newest: boolean,
  ): { end: number; nonce: number; torn: boolean } {
    const head = readHead(bytes, sequence);
    if ("what" in head) {
      this.#report("corrupt", path, head.offset, head.what);
      this.#open = true;
      this.#batch = 0;
      return { end: 0, nonce: 0, torn: false };
    }
    this.#identity ??= { clusterId: head.clusterId, id: head.id };
    checkIdentity(head, this.#identity, path);
    this.#begin(head, path);
    const count = new Counter();
    let end = 0;
    let torn = false;
    for (let at = head.size; ; ) {
      const batch = readBatch(bytes, end, at, head.nonce);
      if (batch.commit) {
        this.#take(batch, batch.commit, end, path, count);
        end = nextSector(batch.at + batch.commit.size);
      } else if (isZero(bytes, end)) {
        break;
      } else {
        const commit = findCommit(bytes, batch.at, head.nonce);
        torn = newest && commit < 0 && end > 0;
        if (torn) this.#report("torn", path, end, "a batch was not written to its end");
        else this.#refuse(path, batch.at, commit, end);
        if (commit < 0) break;
        end = this.#skip(bytes, commit, head.nonce);
      }
      at = end;
    }
    this.segments.push(count.summary(path, sequence, bytes.length, end, this.last.index));
    return { end, nonce: head.nonce, torn };
  }

  #begin(head: SegmentHead, path: string): void {
    if (this.#open) {
      this.#base = head.lastIndex;
      this.#lastTerm = head.lastTerm;
      this.#entries = [];
      this.#open = false;
    } else if (head.lastIndex !== this.last.index) {
      const text = `it ends at index ${this.last.index}, but ${path} continues after ${head.lastIndex}`;
      this.#reportEnd(text, path);
    }
  }

  /** Damage at `at` that no crash can have done. */
  #refuse(path: string, at: number, commit: number, end: number): void {
    const what =
      commit >= 0
        ? `damaged, though a valid commit record follows at ${commit}`
        : end === 0
          ? "the segment's first batch is damaged"
          : "damaged, though a newer segment follows";
    this.#report("corrupt", path, at, what);
  }

  /** Goes on after the batch that ends with the commit record at `commit`; returns where. */
  #skip(bytes: Uint8Array, commit: number, nonce: number): number {
    const frame = readFrame(bytes, commit, nonce)!;
    this.#batch = frame.index;
    this.#open = true;
    return nextSector(commit + frame.size);
  }

  #take(batch: Batch, commit: Frame, begun: number, path: string, count: Counter): void {
    const length = batch.at - begun;
    const wrong =
      commit.term !== length
        ? `a batch of ${commit.term} bytes was written, ${length} are there`
        : commit.detail !== 0 && commit.detail !== batch.order
          ? "frames of this batch are not those that were written, or not in their order"
          : this.#batch !== 0 && commit.index !== this.#batch + 1
            ? `batch ${commit.index} follows batch ${this.#batch}`
            : null;
    if (wrong && begun === 0) this.#reportEnd(wrong, path);
    else if (wrong) this.#report("corrupt", path, batch.at, wrong);
    this.#batch = commit.index;
    count.batch(batch.frames.length + (begun === 0 ? 2 : 1));
    for (const { frame, at } of batch.frames) {
      if (frame.type === FrameType.Entry) count.entry(frame.index);
      const refused = this.#apply(frame);
      if (refused) this.#report("corrupt", path, at, refused);
    }
  }

  /** Returns what is wrong with it, or null. */
  #apply(frame: Frame): string | null {
    if (!Number.isSafeInteger(frame.term) || !Number.isSafeInteger(frame.index)) {
      return "a term or an index is impossible";
    }
    switch (frame.type) {
      case FrameType.Entry:
        return this.#entry(frame);
      case FrameType.HardState:
        return this.#setHardState(frame);
      case FrameType.Snapshot:
        this.#snapshot(frame);
        return null;
      default:
        return `frame type ${frame.type} is unknown to this version`;
    }
  }

  #setHardState({ term, index, payload }: Frame): string | null {
    if (payload.length < 8) return "a hard state has no vote";
    const vote = getUint64(new DataView(payload.buffer, payload.byteOffset, payload.length), 0);
    if (!Number.isSafeInteger(vote)) return "a vote is impossible";
    this.#hardState = { term, vote, commit: index };
    return null;
  }

  #entry({ index, term, detail, payload }: Frame): string | null {
    const last = this.last.index;
    if (!ENTRY_TYPES.has(detail)) return `entry ${index} has unknown type ${detail}`;
    if (index === 0) return "an entry has index 0";
    if (index > last + 1 && !this.#open) return `entry ${index} follows entry ${last}`;
    if (index <= this.#base || index > last + 1) {
      this.#base = index - 1;
      this.#entries = [];
    } else {
      const replaced = this.#entries[index - this.#base - 1];
      if (replaced && index <= this.#hardState.commit && replaced.term !== term) {
        return `entry ${index} of term ${term} replaces a committed one`;
      }
      this.#entries.length = index - this.#base - 1;
    }
    this.#open = false;
    this.#entries.push({ index, term, type: detail as EntryType, data: payload });
    return null;
  }

  /** One that the log does not reach or agree with came from the leader as well: older logs do not say so. */
  #snapshot({ index, term, detail }: Frame): void {
    const known = this.#snapshots.findIndex((at) => at.index === index && at.term === term);
    if (known < 0) this.#snapshots.push({ index, term });
    const inLog = this.#entries[index - this.#base - 1];
    const before = index <= this.#base && index <= this.last.index;
    const taken = before || inLog?.term === term;
    if (taken && detail !== SnapshotDetail.Restart) return;
    this.#base = index;
    this.#lastTerm = term;
    this.#entries = [];
  }

  /** The beginning of the segment at `path` shows that the one before it lost its end. */
  #reportEnd(what: string, path: string): void {
    const before = this.segments.at(-1);
    this.#report("corrupt", before?.path ?? path, before?.end ?? 0, what);
  }

  #report(kind: Damage["kind"], file: string, offset: number, what: string): void {
    this.#onDamage({ file, offset, index: this.last.index, kind, what });
  }
}

/** What a segment holds, in numbers. */
class Counter {
  #batches = 0;
  #frames = 0;
  #first = 0;
  #last = 0;

  batch(frames: number): void {
    this.#batches++;
    this.#frames += frames;
  }

  entry(index: number): void {
    if (this.#first === 0 || index < this.#first) this.#first = index;
    this.#last = index;
  }

  summary(
    path: string,
    sequence: number,
    bytes: number,
    end: number,
    lastIndex: number,
  ): SegmentSummary {
    const counted = { batches: this.#batches, frames: this.#frames };
    return {
      path,
      sequence,
      bytes,
      end,
      ...counted,
      firstIndex: this.#first,
      lastEntry: this.#last,
      lastIndex,
    };
  }
}
