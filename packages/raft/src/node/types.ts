import type { MemberProgress } from "../core/status.js";
import type { ConfState, Message, NodeId, Role } from "../core/types.js";

/** A member as the group knows it. `address` is what the transport dials, `context` the application's. */
export interface Member {
  readonly id: NodeId;
  readonly address: string;
  readonly context: Uint8Array;
  readonly learner: boolean;
}

/** One committed entry for the state machine. `command` is null for the leader's mark of a new term and for membership changes. */
export interface AppliedEntry<Command> {
  readonly index: number;
  readonly term: number;
  readonly command: Command | null;
}

/**
 * What is replicated. `apply` is synchronous and must be deterministic: the same entries give
 * the same state and results on every member.
 */
export interface StateMachine<Command, Result> {
  /** Applies entries in order; returns one result an entry (ignored where the command is null). */
  apply(entries: readonly AppliedEntry<Command>[]): readonly Result[];
  /**
   * The state as of the last applied entry, as chunks. The view is fixed when this is called,
   * while later `apply` calls go on; at most one snapshot is taken at a time.
   */
  snapshot(): AsyncIterable<Uint8Array>;
  /** Replaces the whole state. When it rejects the old state must not be used any more. */
  restore(chunks: AsyncIterable<Uint8Array>, at: { index: number; term: number }): Promise<void>;
}

/** Bytes on the log for a command. */
export interface Codec<Command> {
  encode(command: Command): Uint8Array;
  decode(bytes: Uint8Array): Command;
}

/** Time for the driver: real by default, virtual in tests. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** Runs `callback` once the sockets were read again; Node's own `setImmediate` where it is absent. */
  setImmediate?(callback: () => void): unknown;
}

/**
 * Carries messages between members. Messages may be lost or late, and all but proposals (`Prop`)
 * doubled: a proposal that comes twice is applied twice. A full queue drops and reports.
 */
export interface Transport extends AsyncDisposable {
  /**
   * Takes its address, before the group touches its folder: a second process that is started by
   * mistake ends here.
   */
  bind?(): Promise<void>;
  /** Starts delivering. */
  start(handlers: TransportHandlers): Promise<void>;
  setPeers(peers: readonly Pick<Member, "id" | "address">[]): void;
  /** Queues messages for their `to`; never blocks. */
  send(messages: readonly Message[]): void;
}

export interface TransportHandlers {
  /** A batch from one peer. */
  receive(messages: readonly Message[]): void;
  unreachable(id: NodeId): void;
  /** The end of sending a snapshot to `id`. */
  snapshotSent(id: NodeId, ok: boolean): void;
  /** Bytes of the snapshot file at `index` from `from` on (0 where absent), read while it is sent. */
  openSnapshot(index: number, from?: number): AsyncIterable<Uint8Array>;
  /**
   * Bytes of the snapshot at `index` that an earlier, broken transfer left here, durable and checked.
   * Absent where transfers always begin anew.
   */
  snapshotLength?(index: number, term: number): Promise<number>;
  /**
   * Stores an incoming snapshot's bytes durably, the first of them at `from` (0 where absent, else
   * what `snapshotLength` told); resolves before its message is received.
   */
  storeSnapshot(
    index: number,
    term: number,
    chunks: AsyncIterable<Uint8Array>,
    from?: number,
  ): Promise<void>;
}

export interface GroupStatus {
  readonly id: NodeId;
  readonly clusterId: string;
  readonly role: Role;
  readonly leader: NodeId;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly firstIndex: number;
  readonly snapshotIndex: number;
  readonly confState: ConfState;
  /** Proposals and reads of this member that wait for their result, and the proposals' bytes. */
  readonly pendingProposals?: number;
  readonly pendingBytes?: number;
  readonly pendingReads?: number;
  /** True while this member has no room for more log and refuses proposals. */
  readonly diskFull?: boolean;
  /** Why the last snapshot could not be taken; null when it could. */
  readonly snapshotError?: Error | null;
  /** What the leader knows of each member; empty on others. */
  readonly progress?: ReadonlyMap<NodeId, MemberProgress>;
}
