import type { NodeId } from "../core/types.js";
import type { Disk } from "./disk/disk.js";
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
   * Milliseconds after which a proposal without an answer ends as `proposal-uncertain`, and a read
   * as `read-unavailable`; 5,000 and two election timeouts by default.
   */
  readonly requestTimeoutMs?: number;
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
  /** The group cannot go on (a failed fsync, corruption found); the process should exit. */
  fatal: [error: Error];
}

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

/** How to wait for a read or a change of membership. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}
