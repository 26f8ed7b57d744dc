import type { Raft } from "./raft.js";
import type { Progress, ProgressState } from "./tracker/progress.js";
import { type ConfState, type NodeId, Role } from "./types.js";

/** What a leader knows of a member; see {@link Progress}. */
export interface MemberProgress {
  /** The log is known to match up to here. */
  readonly match: number;
  /** The next entry to send. */
  readonly next: number;
  readonly state: ProgressState;
  /** Index of the snapshot on its way, or 0. */
  readonly pendingSnapshot: number;
  /** Heard from since the last quorum check. */
  readonly recentActive: boolean;
  /** No appends are sent for now. */
  readonly paused: boolean;
  readonly isLearner: boolean;
  /** Appends sent and not acknowledged, and whether they are as many as allowed. */
  readonly inflight: number;
  readonly inflightFull: boolean;
}

/** What is cheap to tell, for every turn of a loop. */
export interface BasicStatus {
  readonly id: NodeId;
  readonly term: number;
  readonly vote: NodeId;
  readonly commit: number;
  readonly applied: number;
  readonly lead: NodeId;
  readonly role: Role;
  /** With reads under a lease: this leader answers reads at once, since nobody else can lead. */
  readonly holdsLease: boolean;
}

/** A member's state at one moment, for operators and tests. */
export interface Status extends BasicStatus {
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** To whom leadership is being handed over, or `NONE`. */
  readonly leadTransferee: NodeId;
  /** Bytes of data in the leader's uncommitted entries, as the quota counts them. */
  readonly uncommittedSize: number;
  readonly confState: ConfState;
  /** By member in ascending order; empty unless this member leads. */
  readonly progress: ReadonlyMap<NodeId, MemberProgress>;
}

export function memberProgress(progress: Progress): MemberProgress {
  return {
    match: progress.match,
    next: progress.next,
    state: progress.state,
    pendingSnapshot: progress.pendingSnapshot,
    recentActive: progress.recentActive,
    paused: progress.paused,
    isLearner: progress.isLearner,
    inflight: progress.inflights.count,
    inflightFull: progress.inflights.full,
  };
}

export function basicStatusOf(raft: Raft): BasicStatus {
  return {
    id: raft.id,
    term: raft.term,
    vote: raft.vote,
    commit: raft.log.committed,
    applied: raft.log.applied,
    lead: raft.lead,
    role: raft.role,
    holdsLease: raft.holdsLease,
  };
}

export function statusOf(raft: Raft): Status {
  const progress = new Map<NodeId, MemberProgress>();
  if (raft.role === Role.Leader) {
    for (const id of raft.tracker.ids) progress.set(id, memberProgress(raft.tracker.get(id)!));
  }
  return {
    ...basicStatusOf(raft),
    firstIndex: raft.log.firstIndex(),
    lastIndex: raft.log.lastIndex(),
    leadTransferee: raft.leadTransferee,
    uncommittedSize: raft.uncommittedSize,
    confState: raft.tracker.confState(),
    progress,
  };
}
