import type { Entry, HardState, NodeId } from "../../index.js";
import type { Disk } from "../disk/disk.js";

/** Whose log it is; written at the head of every segment. */
export interface WalIdentity {
  readonly clusterId: string;
  readonly id: NodeId;
}

export interface WalOptions extends WalIdentity {
  readonly disk: Disk;
  /** The log's own folder. */
  readonly directory: string;
  /** Bytes of a full-grown segment; 32 MiB by default. Segments start at 1 MiB and grow fourfold. */
  readonly segmentBytes?: number;
  /** At most so many bytes in a batch, but for one larger entry; 4 MiB by default. */
  readonly maxBatchBytes?: number;
  /** Milliseconds between attempts while the disk is full; 250 by default. */
  readonly diskFullRetryMs?: number;
  /** Called when the disk becomes full, and when there is room again. */
  readonly onDiskFull?: (full: boolean) => void;
}

/** One thing to make durable: whatever is given is in the same batch. */
export interface WalRecord {
  readonly entries?: readonly Entry[];
  readonly hardState?: HardState | null;
  /** A snapshot that is durable in its own file. */
  readonly snapshot?: SnapshotPoint | null;
  /** The snapshot came from the leader, and the log did not hold it: the log begins anew after it. */
  readonly restart?: boolean;
  /** False when only the commit index moved: it is then written with the next batch. */
  readonly sync: boolean;
}

/** Where a snapshot stands in the log. */
export interface SnapshotPoint {
  readonly index: number;
  readonly term: number;
}

/** What a log held when it was opened. */
export interface WalContent {
  /** True when there was no log yet. */
  readonly fresh: boolean;
  readonly hardState: HardState;
  /** The log continues after this index: entries up to it are gone. */
  readonly base: number;
  /** Entries from `base + 1`, without gaps. Their data views the memory that was read. */
  readonly entries: readonly Entry[];
  /** All snapshots known to have been durable, oldest first. */
  readonly snapshots: readonly SnapshotPoint[];
}

/** The log of one member: {@link Wal}, or {@link VolatileLog} for members in memory. */
export interface DurableLog {
  /** Resolves once the record and all before it are durable. */
  append(record: WalRecord): Promise<void>;
  /** Entries up to `index` are not needed any more. */
  release(index: number): Promise<void>;
  /** Waits for a running fsync; what is queued behind it is given up. */
  close(): Promise<void>;
}

/** For members in memory: everything is "durable" at once, in order. */
export class VolatileLog implements DurableLog {
  async append(): Promise<void> {}

  async release(): Promise<void> {}

  async close(): Promise<void> {}
}
