import { NO_DATA } from "../log/entry.js";
import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import { broadcastHeartbeat } from "../replication/send.js";
import { type Message, MessageType, NONE } from "../types.js";

/**
 * Reads that wait in one leader, for its term's first commit or for a quorum; more are dropped,
 * as the network might drop them. A driver asks for one read on behalf of many.
 */
export const MAX_WAITING_READS = 4096;

/** Takes a ReadIndex request on the leader. */
export function readIndex(raft: Raft, request: Message): void {
  if (raft.pendingReads.length + raft.readOnly.waiting >= MAX_WAITING_READS) return;
  // Until an entry of this term is committed the leader does not know what its predecessors
  // committed (dissertation, section 6.4, step 1).
  if (!raft.committedInCurrentTerm) {
    raft.pendingReads.push(request);
    return;
  }
  confirm(raft, request);
}

/** Goes on with the reads that waited for the first commit of the term. */
export function releasePendingReads(raft: Raft): void {
  if (raft.pendingReads.length === 0 || !raft.committedInCurrentTerm) return;
  const requests = raft.pendingReads;
  raft.pendingReads = [];
  for (const request of requests) confirm(raft, request);
}

function confirm(raft: Raft, request: Message): void {
  const unconfirmed = raft.config.readOnly === "lease-based" || raft.holdsLease;
  if (unconfirmed || decidesAlone(raft)) {
    respond(raft, request, raft.log.committed);
    return;
  }
  queue(raft, request);
  broadcastHeartbeat(raft);
}

/** The next heartbeats renew the lease, when a quorum answers them. */
export function renewLease(raft: Raft): void {
  if (raft.config.readOnly === "lease") queue(raft, null);
}

function queue(raft: Raft, request: Message | null): void {
  raft.readOnly.add(request, raft.log.committed, raft.lease.now);
  raft.readOnly.acknowledge(raft.id, raft.readOnly.token());
}

/** A leader that was removed may still lead when one other voter remains: then it does not. */
function decidesAlone(raft: Raft): boolean {
  return raft.tracker.singleton && raft.tracker.membership.incoming[0] === raft.id;
}

/** Answers the reads that a quorum has confirmed. */
export function answerConfirmedReads(raft: Raft): void {
  if (raft.readOnly.waiting === 0) return;
  for (const { request, index, tick } of raft.readOnly.takeConfirmed(raft.tracker.membership)) {
    raft.lease.renew(tick);
    if (request !== null) respond(raft, request, index);
  }
}

function respond(raft: Raft, request: Message, index: number): void {
  if (request.from === NONE || request.from === raft.id) {
    raft.readStates.push({ index, context: request.entries[0]?.data ?? NO_DATA });
    return;
  }
  const response = draft(MessageType.ReadIndexResp, request.from);
  response.index = index;
  response.entries = request.entries;
  raft.send(response);
}
