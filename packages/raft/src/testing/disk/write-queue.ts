import type { DiskWork, LogDisk } from "./log-disk.js";

/** A piece of work with what follows from it. */
export interface QueuedWork extends DiskWork {
  /** False when only the commit index moved: it is then written with the next batch. */
  readonly sync: boolean;
  /** It is durable (or need not be yet). */
  readonly done: () => void;
}

/** What the queue needs of its member. */
export interface WriteQueueHost {
  /** Runs an action when the disk has done its write, unless the member has crashed by then. */
  afterWrite(run: () => void): void;
  /** Work is durable: the member's account of its disk is brought up to date. */
  persisted(work: QueuedWork): void;
  /** A batch ended, and with it all that followed from it. */
  written(): void;
  /** An fsync failed: nothing is known of the batch, and the member has to stop. */
  syncFailed(): void;
}

/**
 * Writes of one member: all that wait when the disk is free go into the next batch together (group
 * commit), and one batch is under way at a time.
 */
export class WriteQueue {
  readonly #disk: LogDisk;
  readonly #host: WriteQueueHost;
  #waiting: QueuedWork[] = [];
  #underWay: QueuedWork[] = [];
  /** Done already, but written only with the next batch. */
  #carried: QueuedWork[] = [];
  #failNext = false;
  #full = false;

  constructor(disk: LogDisk, host: WriteQueueHost) {
    this.#disk = disk;
    this.#host = host;
  }

  push(work: QueuedWork): void {
    if (!work.sync && this.#waiting.length === 0 && this.#underWay.length === 0) {
      this.#carried.push(work);
      work.done();
      return;
    }
    this.#waiting.push(work);
    this.#next();
  }

  /** The next fsync fails. */
  failNextSync(): void {
    this.#failNext = true;
  }

  /** While the disk is full only what fits into the log's reserve is written; the rest waits. */
  setFull(full: boolean): void {
    this.#full = full;
    this.#next();
  }

  /** Forgets everything; returns the batch that was under way, of which any part may be durable. */
  crash(): readonly DiskWork[] {
    const batch = this.#underWay;
    this.#waiting = [];
    this.#underWay = [];
    this.#carried = [];
    this.#failNext = false;
    this.#full = false;
    return batch;
  }

  #next(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return;
    const batch = this.#carried.length === 0 ? this.#waiting : [...this.#carried, ...this.#waiting];
    if (this.#full && !this.#disk.hasRoom(batch)) return;
    const carried = this.#carried.length;
    this.#carried = [];
    this.#waiting = [];
    this.#underWay = batch;
    this.#disk.begin(batch);
    this.#host.afterWrite(() => this.#finish(carried));
  }

  #finish(carried: number): void {
    if (this.#failNext) {
      this.#host.syncFailed();
      return;
    }
    this.#disk.sync();
    const batch = this.#underWay;
    this.#underWay = [];
    for (const [at, work] of batch.entries()) {
      this.#host.persisted(work);
      if (at >= carried) work.done();
    }
    this.#next();
    this.#host.written();
  }
}
