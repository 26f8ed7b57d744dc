import { type Entry, EntryType, type HardState, RaftError } from "../../index.js";
import {
  type Frame,
  FrameType,
  findCommit,
  getUint64,
  isZero,
  nextSector,
  readFrame,
} from "./frame.js";
import { readHead } from "./segment.js";
import type { SnapshotPoint, WalContent, WalIdentity } from "./types.js";

const ENTRY_TYPES: ReadonlySet<number> = new Set(Object.values(EntryType));

/**
 * Rebuilds a log from its segments, oldest first. Damage is one of two things: a torn tail, that is
 * damage with no valid commit record after it in the newest segment, which a crash can leave and
 * which was never acknowledged; or corruption, which is never guessed over.
 */
export class WalReplay {
  readonly #identity: WalIdentity;
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #base = 0;
  #entries: Entry[] = [];
  #snapshots: SnapshotPoint[] = [];
  #batch = 0;
  #lastTerm = 0;
  #started = false;
  /** Last index at the end of each segment. */
  readonly ends: { sequence: number; lastIndex: number }[] = [];

  constructor(identity: WalIdentity) {
    this.#identity = identity;
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
    const head = readHead(bytes, path, sequence, this.#identity);
    this.#begin(head.lastIndex, readFrame(bytes, 0, head.nonce)!.term, path);
    let end = 0;
    let at = head.size;
    let batch: { frame: Frame; at: number }[] = [];
    while (at < bytes.length) {
      const frame = readFrame(bytes, at, head.nonce);
      if (!frame) break;
      if (frame.type === FrameType.Commit) {
        this.#commit(frame, at - end, path, at);
        for (const one of batch) this.#apply(one.frame, path, one.at);
        batch = [];
        end = nextSector(at + frame.size);
        at = end;
      } else {
        batch.push({ frame, at });
        at += frame.size;
      }
    }
    const torn = !isZero(bytes, end);
    if (torn) this.#judge(bytes, path, at, head.nonce, newest);
    if (end === 0) throw this.#corrupt(path, head.size, "the segment's first batch is damaged");
    this.ends.push({ sequence, lastIndex: this.last.index });
    return { end, nonce: head.nonce, torn };
  }

  #begin(lastIndex: number, term: number, path: string): void {
    if (!this.#started) {
      this.#base = lastIndex;
      this.#lastTerm = term;
      this.#started = true;
    } else if (lastIndex !== this.last.index) {
      const text = `it continues after index ${lastIndex}, but the segment before ends at ${this.last.index}`;
      throw this.#corrupt(path, 0, text);
    }
  }

  /** Decides whether damage at `at` can be a crash's. */
  #judge(bytes: Uint8Array, path: string, at: number, nonce: number, newest: boolean): void {
    const commit = findCommit(bytes, at, nonce);
    if (commit >= 0) {
      throw this.#corrupt(path, at, `damaged, though a valid commit record follows at ${commit}`);
    }
    if (!newest) throw this.#corrupt(path, at, "damaged, though a newer segment follows");
  }

  #commit(frame: Frame, length: number, path: string, at: number): void {
    if (frame.term !== length) {
      throw this.#corrupt(
        path,
        at,
        `a batch of ${frame.term} bytes was written, ${length} are there`,
      );
    }
    if (this.#batch !== 0 && frame.index !== this.#batch + 1) {
      throw this.#corrupt(path, at, `batch ${frame.index} follows batch ${this.#batch}`);
    }
    this.#batch = frame.index;
  }

  #apply(frame: Frame, path: string, at: number): void {
    switch (frame.type) {
      case FrameType.Entry:
        this.#entry(frame, path, at);
        break;
      case FrameType.HardState: {
        const { payload } = frame;
        const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
        this.#hardState = { term: frame.term, vote: getUint64(view, 0), commit: frame.index };
        break;
      }
      case FrameType.Snapshot:
        this.#snapshot(frame);
        break;
      default:
        throw this.#corrupt(path, at, `frame type ${frame.type} is unknown to this version`);
    }
  }

  #entry(frame: Frame, path: string, at: number): void {
    const { index, term, entryType } = frame;
    const last = this.last.index;
    if (index > last + 1) throw this.#corrupt(path, at, `entry ${index} follows entry ${last}`);
    if (!ENTRY_TYPES.has(entryType)) {
      throw this.#corrupt(path, at, `entry ${index} has unknown type ${entryType}`);
    }
    if (index <= this.#base) {
      this.#base = index - 1;
      this.#entries = [];
    } else {
      const replaced = this.#entries[index - this.#base - 1];
      if (replaced && index <= this.#hardState.commit && replaced.term !== term) {
        throw this.#corrupt(path, at, `entry ${index} of term ${term} replaces a committed one`);
      }
      this.#entries.length = index - this.#base - 1;
    }
    this.#entries.push({ index, term, type: entryType as EntryType, data: frame.payload });
  }

  /** A snapshot that the log does not reach or agree with came from the leader: the log restarts there. */
  #snapshot({ index, term }: Frame): void {
    const known = this.#snapshots.findIndex((at) => at.index === index && at.term === term);
    if (known < 0) this.#snapshots.push({ index, term });
    const inLog = this.#entries[index - this.#base - 1];
    const before = index <= this.#base && index <= this.last.index;
    if (before || inLog?.term === term) return;
    this.#base = index;
    this.#lastTerm = term;
    this.#entries = [];
  }

  #corrupt(path: string, offset: number, what: string): RaftError {
    const message = `${path}: offset ${offset}, after index ${this.last.index}: ${what}`;
    return new RaftError("corrupt", message);
  }
}
