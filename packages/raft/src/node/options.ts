import type { NodeId } from "../core/types.js";
import type { Disk } from "./disk/disk.js";
import type { RaftMetrics } from "./metrics/types.js";
import type { Clock, Codec, Member, StateMachine, Transport } from "./types.js";

/** How to start one member of a group. */
export interface RaftGroupOptions<Command, Result> {
  readonly id: NodeId;
  /** Compared with the data directory's and every peer's: a mismatch is refused (`wrong-cluster`). */
  readonly clusterId: string;
  /** The first members, the same list on each. Used only when the storage is empty and `join` is false. */
  readonly members: readonly Member[];
  /** True for a member that was added to a running group: it starts empty and learns from the leader. */
  readonly join?: boolean;
  /**
   * A folder of this member alone, or "memory" (nothing survives; tests and embedding).
   */
  readonly storage: DirectoryStorage | "memory";
  readonly transport: Transport;
  readonly stateMachine: StateMachine<Command, Result>;
  readonly codec: Codec<Command>;
  /** Milliseconds a tick; 100 by default. */
  readonly tickMs?: number;
  /** Ticks without a leader before an election; 10 by default, each election drawn from [n, 2n). */
  readonly electionTicks?: number;
  /** Ticks between heartbeats; 1 by default. */
  readonly heartbeatTicks?: number;
  /**
   * Who should lead, all else being equal; 0 by default, may be negative. A voter refuses a candidate
   * whose log is no further than its own and whose priority is lower.
   */
  readonly priority?: number;
  /** A snapshot is taken after so many applied entries; 50,000 by default. */
  readonly snapshotEntries?: number;
  /** Entries kept behind a snapshot for slow followers; 5,000 by default. */
  readonly keepEntries?: number;
  /** Bytes of proposals accepted and not yet committed; 64 MiB by default, beyond it `proposal-dropped`. */
  readonly maxUncommittedBytes?: number;
  /** A snapshot is also taken after so many bytes of applied entries; 256 MiB by default. */
  readonly snapshotBytes?: number;
  /** Bytes of one command at most, beyond it `proposal-dropped`; 16 MiB by default. */
  readonly maxCommandBytes?: number;
  /** Proposals waiting for their result at most, beyond it `proposal-dropped`; 100,000 by default. */
  readonly maxPendingProposals?: number;
  /**
   * Bytes of the proposals that wait for their result at most, beyond it `proposal-dropped`; 128 MiB by
   * default. One larger command is taken while nothing else waits.
   */
  readonly maxPendingBytes?: number;
  /**
   * Milliseconds after which a proposal without an answer ends as `proposal-uncertain`, and a read
   * as `read-unavailable`; 5,000 and two election timeouts by default.
   */
  readonly requestTimeoutMs?: number;
  /** Takes what is measured; nothing is where it is absent. Give it to the transport as well. */
  readonly metrics?: RaftMetrics;
  readonly clock?: Clock;
  /** Uniform in [0, 1); the randomness of elections. */
  readonly random?: () => number;
}

/** Where a member keeps its log and snapshots. */
export interface DirectoryStorage {
  readonly directory: string;
  /** The real disk by default; tests put a {@link MemoryDisk} here. */
  readonly disk?: Disk;
  /** Bytes of a full-grown segment of the log; 32 MiB by default, the first ones are smaller. */
  readonly segmentBytes?: number;
}

/** What a group tells while it runs. */
export interface RaftGroupEvents {
  leader: [leader: NodeId, term: number];
  members: [members: readonly Member[]];
  /** A snapshot is durable here, and the log before it is given up: this member's own, or the leader's. */
  snapshot: [snapshot: SnapshotEvent];
  /** The group cannot go on (a failed fsync, corruption found); the process should exit. */
  fatal: [error: Error];
}

/** A snapshot that this member took, or that replaced its state. */
export interface SnapshotEvent {
  readonly index: number;
  readonly term: number;
  readonly source: "taken" | "received";
}

/** One change of membership among several that take effect together. */
export type MemberChange =
  /** A voting member more; start it with `join: true`. */
  | { readonly type: "add"; readonly member: Omit<Member, "learner"> }
  /** A member more that is sent everything and has no vote. */
  | { readonly type: "add-learner"; readonly member: Omit<Member, "learner"> }
  /** Gives a learner a vote. */
  | { readonly type: "promote"; readonly id: NodeId }
  /** Takes a voter's vote. */
  | { readonly type: "demote"; readonly id: NodeId }
  | { readonly type: "remove"; readonly id: NodeId };

/** How to make one proposal. */
export interface ProposeOptions {
  /** Ends the wait with `proposal-uncertain`: what was proposed cannot be taken back. */
  readonly signal?: AbortSignal;
  /**
   * Only if this member is the leader now: the proposal is appended under its term or refused with
   * `proposal-dropped`, never forwarded. For work that only the leader may start, such as revoking
   * leases.
   */
  readonly onlyAsLeader?: boolean;
  /** With `onlyAsLeader`: only if the leader's term is still this one. */
  readonly term?: number;
}

/** How to wait for something. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}
