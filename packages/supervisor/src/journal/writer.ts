import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import type { Clock } from "../clock.js";
import { decodeEntry, encodeEntry, type NewEntry } from "./entry.js";
import { listSegments, readBackward, segmentPath, wholeSize } from "./segments.js";

/** Encoded entries that wait for the disk; beyond this, new ones are dropped and counted. */
const PENDING_BYTES_MAX = 4 * 1024 * 1024;

/** How the journals of a machine are kept. */
export interface JournalLimits {
  /** A segment is closed when it has reached this size, in bytes. */
  readonly segmentBytesMax: number;
  /** Segments kept for a unit, the open one included. */
  readonly segmentsMax: number;
}

/**
 * Appends a unit's entries to its newest segment, in batches: whatever came while one write ran goes
 * into the next. A write that fails (a full disk) loses its batch and nothing else: the file is cut
 * back to its last whole entry, the loss is counted, and the count is written once there is room.
 */
export class JournalWriter {
  readonly #unit: string;
  readonly #directory: string;
  readonly #limits: JournalLimits;
  readonly #clock: Clock;
  #file: FileHandle | undefined;
  #size = 0;
  #nextCursor = 1;
  #pending: NewEntry[] = [];
  #pendingBytes = 0;
  #dropped = 0;
  #work: Promise<void> | undefined;
  #closed = false;
  #finished = false;
  #writes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(unit: string, directory: string, limits: JournalLimits, clock: Clock) {
    this.#unit = unit;
    this.#directory = directory;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** How often entries have been written: grows when there may be something new to read. */
  get writes(): number {
    return this.#writes;
  }

  /** Finds where the journal ends and mends what a crash has torn. Call once, before `append`. */
  async open(): Promise<void> {
    const newest = (await listSegments(this.#directory)).at(-1);
    if (!newest) return;
    this.#nextCursor = newest.firstCursor;
    const size = await wholeSize(newest.path);
    this.#file = await open(newest.path, constants.O_WRONLY);
    await this.#file.truncate(size);
    this.#size = size;
    for await (const { line } of readBackward(newest.path)) {
      const entry = decodeEntry(this.#unit, line);
      if (!entry) continue;
      this.#nextCursor = entry.cursor + 1;
      break;
    }
  }

  /** Takes an entry; it is on its way to the disk, not there yet. Never throws. */
  append(entry: NewEntry): void {
    if (this.#closed) return;
    if (this.#pendingBytes >= PENDING_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(entry);
    this.#pendingBytes += entry.message.length;
    this.#work ??= this.#drain();
  }

  /** Resolves when all that was appended is in the file, or lost. */
  async flush(): Promise<void> {
    while (this.#work) await this.#work;
  }

  /** Resolves once `writes` is no longer `seen`, at `close`, or when `signal` aborts. */
  async nextWrite(seen: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#finished || signal?.aborted || this.#writes !== seen) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal?.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal?.addEventListener("abort", done);
    });
  }

  /** True when nothing will be written any more. */
  get finished(): boolean {
    return this.#finished;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    await this.#file?.datasync().catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    this.#finished = true;
    this.#tellReaders();
  }

  async #drain(): Promise<void> {
    // Output comes in bursts: the rest of this turn's entries join the first write.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      try {
        await this.#write(batch);
      } catch {
        this.#dropped += batch.length;
        await this.#file?.truncate(this.#size).catch(() => {});
      }
      this.#writes += 1;
      this.#tellReaders();
    }
    this.#work = undefined;
  }

  async #write(batch: readonly NewEntry[]): Promise<void> {
    const file = await this.#segment();
    const entries = this.#dropped > 0 ? [this.#lossNote(), ...batch] : batch;
    const lines = entries.map((entry, index) => encodeEntry(this.#nextCursor + index, entry));
    const text = Buffer.from(lines.join(""));
    for (let done = 0; done < text.length; ) {
      const { bytesWritten } = await file.write(text, done, undefined, this.#size + done);
      done += bytesWritten;
    }
    this.#size += text.length;
    this.#nextCursor += entries.length;
    this.#dropped = 0;
  }

  #lossNote(): NewEntry {
    return {
      timestamp: this.#clock.now(),
      source: "supervisor",
      identifier: "supervisor",
      pid: process.pid,
      message: `${this.#dropped} journal entries were lost: they could not be written.`,
    };
  }

  async #segment(): Promise<FileHandle> {
    if (this.#file && this.#size < this.#limits.segmentBytesMax) return this.#file;
    await mkdir(this.#directory, { recursive: true });
    const next = await open(
      segmentPath(this.#directory, this.#nextCursor),
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
      0o640,
    );
    await this.#file?.datasync().catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = next;
    this.#size = 0;
    await this.#removeOld();
    return next;
  }

  async #removeOld(): Promise<void> {
    const segments = await listSegments(this.#directory);
    const excess = Math.max(0, segments.length - this.#limits.segmentsMax);
    for (const { path } of segments.slice(0, excess)) await rm(path, { force: true });
  }

  #tellReaders(): void {
    for (const tell of [...this.#waiting]) tell();
  }
}
