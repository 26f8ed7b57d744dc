import { RaftError } from "../errors.js";
import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import { answerConfirmedReads, readIndex, releasePendingReads } from "../reads/reads.js";
import { proposeAsLeader } from "../replication/proposal.js";
import { broadcastAppend, broadcastHeartbeat, sendAppend } from "../replication/send.js";
import { type Progress, ProgressState } from "../tracker/progress.js";
import { type Message, MessageType, NONE, type NodeId } from "../types.js";
import { checkQuorum } from "./tick.js";

/** What a leader does with a message of its term. */
export function stepLeader(raft: Raft, m: Message): void {
  switch (m.type) {
    case MessageType.Beat:
      broadcastHeartbeat(raft);
      return;
    case MessageType.CheckQuorum:
      checkQuorum(raft);
      return;
    case MessageType.Prop:
      proposeAsLeader(raft, m.entries);
      return;
    case MessageType.ReadIndex:
      readIndex(raft, m);
      return;
    default: {
      const progress = raft.tracker.get(m.from);
      if (progress !== undefined) stepFromMember(raft, m, progress);
    }
  }
}

function stepFromMember(raft: Raft, m: Message, progress: Progress): void {
  switch (m.type) {
    case MessageType.AppResp:
      progress.recentActive = true;
      if (m.reject) appendRefused(raft, m, progress);
      else appendAcknowledged(raft, m, progress);
      return;
    case MessageType.HeartbeatResp:
      heartbeatAnswered(raft, m, progress);
      return;
    case MessageType.SnapStatus:
      snapshotSent(m, progress);
      return;
    case MessageType.Unreachable:
      // An append in flight is likely lost: find out before sending more.
      if (progress.state === ProgressState.Replicate) progress.becomeProbe();
      return;
    case MessageType.TransferLeader:
      transferLeader(raft, m.from, progress);
      return;
    default:
  }
}

/** Moves back to where the logs may match; the follower's hint is narrowed by the own terms. */
function appendRefused(raft: Raft, m: Message, progress: Progress): void {
  const hint =
    m.logTerm > 0 ? raft.log.findConflictByTerm(m.rejectHint, m.logTerm)[0] : m.rejectHint;
  if (!progress.maybeDecrease(m.index, hint)) return;
  if (progress.state === ProgressState.Replicate) progress.becomeProbe();
  sendAppend(raft, m.from, true);
}

function appendAcknowledged(raft: Raft, m: Message, progress: Progress): void {
  if (m.index > raft.log.lastIndex()) {
    throw new RaftError("diverged", `${m.from} acknowledges entry ${m.index}, which is not there`);
  }
  const probed = progress.match === m.index && progress.state === ProgressState.Probe;
  if (!progress.maybeUpdate(m.index) && !probed) return;
  resumeReplication(raft, m, progress);
  const other = m.from !== raft.id;
  if (raft.maybeCommit()) {
    releasePendingReads(raft);
    broadcastAppend(raft);
  } else if (other && progress.canBumpCommit(raft.log.committed)) {
    sendAppend(raft, m.from, true);
  }
  if (!other) return;
  // The window has room again: fill it.
  while (sendAppend(raft, m.from, false));
  if (m.from === raft.leadTransferee && progress.match === raft.log.lastIndex()) {
    handOver(raft, m.from);
  }
}

function resumeReplication(raft: Raft, m: Message, progress: Progress): void {
  switch (progress.state) {
    case ProgressState.Probe:
      progress.becomeReplicate();
      return;
    case ProgressState.Snapshot:
      // Whatever snapshot the member took, it is enough if the log goes on from there.
      if (progress.match + 1 < raft.log.firstIndex()) return;
      progress.becomeProbe();
      progress.becomeReplicate();
      return;
    default:
      progress.inflights.freeThrough(m.index);
  }
}

function heartbeatAnswered(raft: Raft, m: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.appendsPaused = false;
  // An answer after a loss: an append, empty if need be, finds out where the member is.
  if (progress.match < raft.log.lastIndex() || progress.state === ProgressState.Probe) {
    sendAppend(raft, m.from, true);
  }
  if (raft.config.readOnly === "lease-based" || m.context === null || m.context.length === 0)
    return;
  raft.readOnly.acknowledge(m.from, m.context);
  answerConfirmedReads(raft);
}

/** The transport finished with a snapshot; its acknowledgement may yet come, or never. */
function snapshotSent(m: Message, progress: Progress): void {
  if (progress.state !== ProgressState.Snapshot) return;
  if (m.reject) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  // Wait for the member's acknowledgement, or after a failure for a heartbeat.
  progress.appendsPaused = true;
}

function transferLeader(raft: Raft, target: NodeId, progress: Progress): void {
  if (progress.isLearner || raft.leadTransferee === target) return;
  raft.leadTransferee = NONE;
  if (target === raft.id) return;
  // It has one election timeout to succeed.
  raft.electionElapsed = 0;
  raft.leadTransferee = target;
  if (progress.match === raft.log.lastIndex()) handOver(raft, target);
  else sendAppend(raft, target, true);
}

function handOver(raft: Raft, target: NodeId): void {
  raft.lease.giveUp();
  raft.send(draft(MessageType.TimeoutNow, target));
}
