import { fail } from "../invariant.js";
import { NO_ENTRIES, payloadSize } from "../log/entry.js";
import { NO_TERM } from "../log/log.js";
import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import { type Progress, ProgressState } from "../tracker/progress.js";
import { type Entry, MessageType, type NodeId } from "../types.js";

/**
 * Sends `to` what it lacks, as far as limits allow: entries, or a snapshot where they were
 * compacted away. Without `evenIfEmpty` an append that would only carry the commit index is left
 * out. True when something was sent.
 */
export function sendAppend(raft: Raft, to: NodeId, evenIfEmpty: boolean): boolean {
  const progress = raft.tracker.get(to);
  if (progress === undefined) fail(`append to ${to}, which is no member`);
  if (progress.paused) return false;

  const previous = progress.next - 1;
  const previousTerm = raft.log.term(previous);
  if (previousTerm === NO_TERM) return sendSnapshot(raft, to, progress);

  // With a full window an empty append still goes out: were all in flight lost, its answer is
  // what gets replication going again.
  let entries: readonly Entry[] | null = NO_ENTRIES;
  if (progress.state !== ProgressState.Replicate || !progress.inflights.full) {
    entries = raft.log.entries(progress.next, raft.config.maxSizePerMsg);
  }
  if ((entries === null || entries.length === 0) && !evenIfEmpty) return false;
  if (entries === null) return sendSnapshot(raft, to, progress);

  const message = draft(MessageType.App, to);
  message.index = previous;
  message.logTerm = previousTerm;
  message.entries = entries;
  message.commit = raft.log.committed;
  raft.send(message);
  progress.sentEntries(entries.length, payloadSize(entries));
  progress.sentCommit(raft.log.committed);
  return true;
}

function sendSnapshot(raft: Raft, to: NodeId, progress: Progress): boolean {
  // Nothing but a snapshot is as costly to send in vain.
  if (!progress.recentActive) return false;
  const snapshot = raft.log.snapshot(to);
  if (snapshot === null) return false;
  if (snapshot.metadata.index === 0) fail("storage gave an empty snapshot");
  progress.becomeSnapshot(snapshot.metadata.index);
  const message = draft(MessageType.Snap, to);
  message.snapshot = snapshot;
  raft.send(message);
  return true;
}

/** Sends an append to every other member that is not paused. */
export function broadcastAppend(raft: Raft): void {
  for (const id of raft.tracker.ids) {
    if (id !== raft.id) sendAppend(raft, id, true);
  }
}

/** Sends a heartbeat to every other member, with the token of the reads that wait. */
export function broadcastHeartbeat(raft: Raft): void {
  const token = raft.readOnly.token();
  for (const id of raft.tracker.ids) {
    if (id === raft.id) continue;
    const progress = raft.tracker.get(id)!;
    const message = draft(MessageType.Heartbeat, id);
    // What the member is not known to hold must not be committed there.
    message.commit = Math.min(progress.match, raft.log.committed);
    message.context = token;
    raft.send(message);
    progress.sentCommit(message.commit);
  }
}
