import { RaftError } from "../../core/errors.js";
import type { HardState, NodeId, Snapshot } from "../../core/types.js";
import type { MemberStorage } from "../group/member-storage.js";
import type { Invariants } from "../invariants/invariants.js";
import { violated } from "../invariants/violation.js";
import type { Watched } from "../invariants/watched.js";
import type { Random } from "../random.js";
import { ByteDisk } from "./byte-disk.js";
import { EntryDisk } from "./entry-disk.js";
import { type DiskWork, fill, type LogDisk } from "./log-disk.js";
import { type QueuedWork, WriteQueue, type WriteQueueHost } from "./write-queue.js";

export interface MemberDiskOptions {
  readonly id: NodeId;
  /**
   * Entries are kept as they are (cheap), or as the bytes of the real log on a disk of sectors,
   * which can be torn and rot.
   */
  readonly disk: "entries" | "bytes";
  /** Bytes of a segment of the log, with "bytes". */
  readonly segmentBytes: number;
}

/** What the disk needs of its member. */
export interface MemberDiskHost extends Omit<WriteQueueHost, "persisted"> {
  /** The member as the checks see it. */
  readonly watched: Watched;
  newStorage(): MemberStorage;
  /** A snapshot from the leader is durable. */
  restored(snapshot: Snapshot): void;
}

const NOTHING_DURABLE: HardState = { term: 0, vote: 0, commit: 0 };

/** A member's disk with the writes to it, and the account of what is durable there. */
export class MemberDisk {
  storage: MemberStorage;
  hardState: HardState = NOTHING_DURABLE;
  readonly #invariants: Invariants;
  readonly #host: MemberDiskHost;
  readonly #disk: LogDisk;
  readonly #writes: WriteQueue;
  /** The batch that was under way at the last crash. */
  #torn: readonly DiskWork[] = [];

  constructor(options: MemberDiskOptions, invariants: Invariants, host: MemberDiskHost) {
    const { id, disk, segmentBytes } = options;
    this.#invariants = invariants;
    this.#host = host;
    this.storage = host.newStorage();
    this.#disk = disk === "bytes" ? new ByteDisk(id, segmentBytes) : new EntryDisk();
    this.#writes = new WriteQueue(this.#disk, {
      afterWrite: (run) => host.afterWrite(run),
      persisted: (work) => this.#persist(work),
      written: () => host.written(),
      syncFailed: () => host.syncFailed(),
    });
  }

  /** What is on it may be damaged, which shows when it is read. */
  get inDoubt(): boolean {
    return this.#disk.mayRefuse;
  }

  /** Puts the snapshot that the group begins with on it. */
  found(snapshot: Snapshot): void {
    this.#disk.begin([{ hardState: null, entries: [], snapshot }]);
    this.#disk.sync();
    this.storage.applySnapshot(snapshot);
  }

  write(work: QueuedWork): void {
    this.#writes.push(work);
  }

  keepSnapshot(snapshot: Snapshot): void {
    this.#disk.keepSnapshot(snapshot);
  }

  failNextSync(): void {
    this.#writes.failNextSync();
  }

  setFull(full: boolean): void {
    this.#writes.setFull(full);
  }

  /** Power goes; see `LogDisk.crash` for `mayRefuse`. */
  crash(random: Random, mayRefuse: () => boolean): void {
    this.#torn = this.#writes.crash();
    this.#disk.crash(random, this.#torn.length > 0 && mayRefuse());
  }

  /** Damages what is durable; false when there is nothing to damage. */
  rot(random: Random): boolean {
    return this.#disk.rot(random);
  }

  /** Reads it as a restart does. False when it is damaged. */
  recover(random: Random): boolean {
    try {
      const { survived, content } = this.#disk.recover(random);
      for (const work of this.#torn.slice(0, survived)) this.#persist(work);
      this.#torn = [];
      if (content === null) return true;
      const storage = this.#host.newStorage();
      fill(storage, content);
      this.#invariants.recovered(this.#host.watched, storage, content.hardState);
      this.storage = storage;
      return true;
    } catch (error) {
      if (!RaftError.is(error) || error.code !== "corrupt") throw error;
      if (!this.#disk.mayRefuse) violated("an undamaged log is recovered", error.message);
      return false;
    }
  }

  #persist({ hardState, entries, snapshot }: DiskWork): void {
    this.#invariants.persisting(this.#host.watched, hardState, snapshot, entries);
    if (hardState !== null) {
      this.storage.setHardState(hardState);
      this.hardState = hardState;
    }
    if (snapshot !== null) {
      this.storage.applySnapshot(snapshot);
      this.#host.restored(snapshot);
    }
    this.storage.append(entries);
  }
}
