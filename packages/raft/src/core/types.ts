/**
 * The values that the consensus core takes and gives: entries, messages, configuration changes,
 * snapshots. Behaviour and names follow etcd-io/raft (`raftpb`); indexes, terms and member IDs
 * are numbers, asserted to be safe integers.
 */

/** A member's identity, a safe integer ≥ 1. {@link NONE} stands for "nobody". */
export type NodeId = number;

/** No member: the leader of a member that knows none. */
export const NONE: NodeId = 0;

/** What an entry of the log holds. */
export const EntryType = { Normal: 0, ConfChange: 1, ConfChangeV2: 2 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

/** One place of the replicated log. `data` of length 0 is the leader's mark of a new term. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** What a member must not forget: its term, its vote in it, and how far it knows the log committed. */
export interface HardState {
  readonly term: number;
  readonly vote: NodeId;
  readonly commit: number;
}

/** Who votes, who learns. `votersOutgoing` is non-empty only inside a joint configuration. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export interface SnapshotMetadata {
  readonly confState: ConfState;
  readonly index: number;
  readonly term: number;
}

/** The state at `metadata.index`. `data` is the application's; the driver keeps it on disk and puts a reference here. */
export interface Snapshot {
  readonly metadata: SnapshotMetadata;
  readonly data: Uint8Array;
}

export const MessageType = {
  Hup: 0,
  Beat: 1,
  Prop: 2,
  App: 3,
  AppResp: 4,
  Vote: 5,
  VoteResp: 6,
  Snap: 7,
  Heartbeat: 8,
  HeartbeatResp: 9,
  Unreachable: 10,
  SnapStatus: 11,
  CheckQuorum: 12,
  TransferLeader: 13,
  TimeoutNow: 14,
  ReadIndex: 15,
  ReadIndexResp: 16,
  PreVote: 17,
  PreVoteResp: 18,
  StorageAppend: 19,
  StorageAppendResp: 20,
  StorageApply: 21,
  StorageApplyResp: 22,
  ForgetLeader: 23,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Addressee of storage work when `asyncStorageWrites` is on (etcd's LocalAppendThread). */
export const LOCAL_APPEND_THREAD: NodeId = -1;
/** Addressee of apply work when `asyncStorageWrites` is on (etcd's LocalApplyThread). */
export const LOCAL_APPLY_THREAD: NodeId = -2;

/** One message between members, or between the core and its storage threads. Absent numbers are 0. */
export interface Message {
  readonly type: MessageType;
  readonly to: NodeId;
  readonly from: NodeId;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** Only on StorageAppend: with `term` and `commit` the hard state to persist. */
  readonly vote: NodeId;
  readonly snapshot: Snapshot | null;
  readonly reject: boolean;
  readonly rejectHint: number;
  /** Campaign reason, or the token of a ReadIndex round. */
  readonly context: Uint8Array | null;
  /** Only on Vote and PreVote: the candidate's `Config.priority`. */
  readonly priority: number;
  /** Only on storage messages: what to deliver once the work is durable or applied. */
  readonly responses: readonly Message[];
}

export const ConfChangeType = {
  AddNode: 0,
  RemoveNode: 1,
  UpdateNode: 2,
  AddLearnerNode: 3,
} as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly nodeId: NodeId;
}

export const ConfChangeTransition = { Auto: 0, JointImplicit: 1, JointExplicit: 2 } as const;
export type ConfChangeTransition = (typeof ConfChangeTransition)[keyof typeof ConfChangeTransition];

/** A change of membership; `context` is the application's (addresses, names). Empty `changes` leaves a joint configuration. */
export interface ConfChange {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  readonly context: Uint8Array;
}

export interface SoftState {
  readonly lead: NodeId;
  readonly role: Role;
}

export const Role = { Follower: 0, Candidate: 1, Leader: 2, PreCandidate: 3 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** A finished ReadIndex round: reads asked with `context` may be served once `index` is applied. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/**
 * What the application must do now: persist, send, apply. See `RawNode.ready`.
 * Null where nothing changed.
 */
export interface Ready {
  readonly softState: SoftState | null;
  readonly hardState: HardState | null;
  readonly readStates: readonly ReadState[];
  /** To be made durable before `messages` to others than the leader's appends leave. */
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /** True when `entries` or a term or vote change ask for an fsync. */
  readonly mustSync: boolean;
}

/** The log as the application keeps it: read synchronously from memory; errors are thrown as `RaftError`. */
export interface Storage {
  initialState(): { hardState: HardState; confState: ConfState };
  /** Entries of [low, high), at least one, at most `maxBytes` of data. Throws `compacted` or `unavailable`. */
  entries(low: number, high: number, maxBytes: number): Entry[];
  /** Term of `index`, which lies in [firstIndex − 1, lastIndex]. Throws `compacted` or `unavailable`. */
  term(index: number): number;
  firstIndex(): number;
  lastIndex(): number;
  /**
   * The newest snapshot, to be sent to member `to`; it should name `to`, which ignores it otherwise.
   * Throws `snapshot-temporarily-unavailable`: the core asks again with the next heartbeat.
   */
  snapshot(to: NodeId): Snapshot;
}
