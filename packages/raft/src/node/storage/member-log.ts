import { MemoryStorage, NONE, type NodeId, RaftError, type Snapshot } from "../../index.js";

/**
 * The log as the core reads it. A member ignores a snapshot that does not name it, so one that
 * was added after the newest snapshot gets none until there is a newer one, which is asked for.
 */
export class MemberLog extends MemoryStorage {
  /** A snapshot as of now is needed. Called while the core works: take it later. */
  onWanted: () => void = () => {};

  override snapshot(to: NodeId = NONE): Snapshot {
    const snapshot = super.snapshot();
    if (to === NONE || names(snapshot, to)) return snapshot;
    this.onWanted();
    const message = `member ${to} was added after the snapshot at ${snapshot.metadata.index}`;
    throw new RaftError("snapshot-temporarily-unavailable", message);
  }
}

function names({ metadata }: Snapshot, id: NodeId): boolean {
  const { voters, learners, votersOutgoing } = metadata.confState;
  return [voters, learners, votersOutgoing].some((ids) => ids.includes(id));
}
