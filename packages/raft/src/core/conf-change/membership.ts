import { RaftError } from "../errors.js";
import type { Raft } from "../raft.js";
import { answerConfirmedReads, releasePendingReads } from "../reads/reads.js";
import { broadcastAppend, sendAppend } from "../replication/send.js";
import {
  type ConfChange,
  ConfChangeTransition,
  type ConfState,
  NONE,
  Role,
  type Snapshot,
} from "../types.js";
import { type Configuration, enterJoint, leaveJoint, simple } from "./changer.js";
import { entersJoint, leavesJoint } from "./codec.js";
import { restoreConfiguration } from "./restore.js";

/**
 * Applies the configuration change at `index`. Throws `invalid-config` when it does not fit.
 * Between handing out entries and their being applied a snapshot may have come in, whose
 * configuration holds the change already.
 */
export function applyConfChange(raft: Raft, change: ConfChange, index: number): ConfState {
  if (index > raft.restoredIndex) switchTo(raft, changed(raft, change));
  return raft.tracker.confState();
}

function changed(raft: Raft, change: ConfChange): Configuration {
  const { membership, progress } = raft.tracker;
  const base: Configuration = { membership, progress };
  if (leavesJoint(change)) return leaveJoint(base);
  const defaults = raft.progressDefaults();
  if (entersJoint(change)) {
    const autoLeave = change.transition !== ConfChangeTransition.JointExplicit;
    return enterJoint(base, autoLeave, change.changes, defaults);
  }
  return simple(base, change.changes, defaults);
}

function switchTo(raft: Raft, { membership, progress }: Configuration): void {
  raft.tracker.switchTo(membership, progress);
  if (raft.role !== Role.Leader) return;
  const own = progress.get(raft.id);
  if (own === undefined || own.isLearner) {
    if (raft.config.stepDownOnRemoval) raft.becomeFollower(raft.term, NONE);
    return;
  }
  if (membership.incoming.length === 0) return;
  if (raft.maybeCommit()) {
    releasePendingReads(raft);
    broadcastAppend(raft);
  } else {
    // New members need not wait for a heartbeat or a proposal.
    for (const id of raft.tracker.ids) {
      if (id !== raft.id) sendAppend(raft, id, false);
    }
  }
  answerConfirmedReads(raft);
  const target = raft.leadTransferee;
  if (!membership.incoming.includes(target) && !membership.outgoing.includes(target)) {
    raft.leadTransferee = NONE;
  }
}

/**
 * Takes over a snapshot from the leader: log and configuration start anew from it. False when it
 * is ignored: everything in it is committed here, or the log already holds its last entry, or
 * this member is not part of it.
 */
export function restoreSnapshot(raft: Raft, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.metadata;
  if (index <= raft.log.committed) return false;
  if (raft.role !== Role.Follower) {
    raft.becomeFollower(raft.term + 1, NONE);
    return false;
  }
  // `learnersNext` are among the outgoing voters.
  const members = [...confState.voters, ...confState.learners, ...confState.votersOutgoing];
  if (!members.includes(raft.id)) return false;
  if (raft.log.matches(index, term)) {
    raft.log.commitTo(index);
    return false;
  }
  const { membership, progress } = configurationOf(raft, snapshot);
  raft.log.restore(snapshot);
  raft.restoredIndex = index;
  raft.tracker.switchTo(membership, progress);
  return true;
}

/** Read before anything is changed, since it came from a peer. */
function configurationOf(raft: Raft, { metadata }: Snapshot): Configuration {
  try {
    return restoreConfiguration(metadata.confState, raft.progressDefaults(metadata.index));
  } catch (error) {
    const what = `the snapshot of index ${metadata.index} holds no configuration`;
    throw new RaftError("invalid-message", what, { cause: error });
  }
}
