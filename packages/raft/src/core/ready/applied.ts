import { RaftError } from "../errors.js";
import { NO_DATA } from "../log/entry.js";
import type { Raft } from "../raft.js";
import { proposeAsLeader } from "../replication/proposal.js";
import { EntryType, Role, type Snapshot } from "../types.js";

/** No data is the change that leaves a joint configuration, and no quota can refuse it. */
const LEAVE_JOINT = [{ term: 0, index: 0, type: EntryType.ConfChangeV2, data: NO_DATA }];

/** Notes that entries up to `index`, of `size` bytes, were applied; leaves a joint configuration that asks for it. */
export function appliedTo(raft: Raft, index: number, size: number): void {
  const applied = Math.max(index, raft.log.applied);
  raft.log.appliedTo(applied, size);
  const autoLeave = raft.tracker.membership.autoLeave;
  if (!autoLeave || raft.role !== Role.Leader || applied < raft.pendingConfIndex) return;
  try {
    proposeAsLeader(raft, LEAVE_JOINT);
  } catch (error) {
    // During a transfer it is dropped, and proposed again with the next applied entry, here or
    // by the new leader.
    if (!RaftError.is(error) || error.code !== "proposal-dropped") throw error;
  }
}

export function appliedSnapshot(raft: Raft, snapshot: Snapshot): void {
  raft.log.unstable.stableSnapshotTo(snapshot.metadata.index);
  appliedTo(raft, snapshot.metadata.index, 0);
}
