import { MemoryStorage } from "../../core/memory-storage.js";
import type { ConfState, Snapshot } from "../../core/types.js";

/**
 * A member's log, whose snapshot is as new as can be: one from before a member joined is of no use
 * to that member, which would ignore it.
 */
export class MemberStorage extends MemoryStorage {
  /** Index of the snapshot on the disk; 0 for none. */
  snapshotIndex = 0;
  readonly #refresh: () => void;

  constructor(refresh: () => void) {
    super();
    this.#refresh = refresh;
  }

  override snapshot(): Snapshot {
    this.#refresh();
    return super.snapshot();
  }

  override applySnapshot(snapshot: Snapshot): void {
    super.applySnapshot(snapshot);
    this.snapshotIndex = snapshot.metadata.index;
  }

  override createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    const snapshot = super.createSnapshot(index, confState, data);
    this.snapshotIndex = index;
    return snapshot;
  }

  /** The snapshot on the disk. */
  kept(): Snapshot | null {
    return this.snapshotIndex === 0 ? null : super.snapshot();
  }
}
