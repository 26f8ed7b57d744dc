import type { MemoryStorage } from "../../core/memory-storage.js";
import type { Entry, HardState, Snapshot } from "../../core/types.js";
import type { Random } from "../random.js";

/** One thing that the core wants to be durable. */
export interface DiskWork {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
}

/** What a member finds when it starts. */
export interface Recovered {
  /** How many works of the batch that was under way at the crash have become durable all the same. */
  readonly survived: number;
  /** What was read back; null when it is what was written, of which the member keeps account. */
  readonly content: RecoveredContent | null;
}

export interface RecoveredContent {
  readonly hardState: HardState;
  readonly snapshot: Snapshot | null;
  readonly entries: readonly Entry[];
}

/**
 * Where a simulated member keeps its log. One batch at a time is under way: from `begin` to `sync`
 * a crash may leave any part of it.
 */
export interface LogDisk {
  begin(batch: readonly DiskWork[]): void;
  /** The batch under way is durable. */
  sync(): void;
  /** The member itself took a snapshot: its file is durable, its mark goes with the next batch. */
  keepSnapshot(snapshot: Snapshot): void;
  /**
   * Power goes, or an fsync fails. With `mayRefuse` what is left may be such that it cannot be told
   * from damage, so that the member has to refuse it.
   */
  crash(random: Random, mayRefuse: boolean): void;
  /** Reads what is there. Throws `corrupt`, which is right only if `mayRefuse` is true. */
  recover(random: Random): Recovered;
  /** True when a refusal to start is no fault: the disk was damaged. */
  readonly mayRefuse: boolean;
  /** True when a batch finds room although the disk is full. */
  hasRoom(batch: readonly DiskWork[]): boolean;
  /** Bits of what is durable change by themselves; false when there is nothing to change. */
  rot(random: Random): boolean;
}

/** Makes a storage of what was read back. */
export function fill(storage: MemoryStorage, content: RecoveredContent): void {
  if (content.snapshot !== null) storage.applySnapshot(content.snapshot);
  storage.append(content.entries);
  storage.setHardState(content.hardState);
}
