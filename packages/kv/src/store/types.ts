import type { StateMachine } from "@flotilla/raft/node";
import type {
  Bytes,
  Command,
  CommandResult,
  LeaseId,
  RangeRequest,
  RangeResult,
  WatchEvent,
} from "../api/types.js";

/** What changed at one revision, in order of the writes within it. */
export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/** A lease as the store keeps it; expiry is the leader's business (`Lessor`). */
export interface LeaseRecord {
  readonly id: LeaseId;
  /** Granted seconds. */
  readonly ttl: number;
  readonly keys: readonly Bytes[];
}

/**
 * The MVCC state: deterministic, synchronous, in memory, no clock. It is the state machine that
 * consensus drives; reads go straight to it. Implemented by `MvccStore` in `mvcc-store.ts`.
 */
export interface Store extends StateMachine<Command, CommandResult> {
  /** Revision of the newest write; 1 for an empty store, as etcd's. */
  readonly revision: number;
  /** Reads at this revision or below (but for the compacted one itself) fail; 0 when never compacted. */
  readonly compactRevision: number;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  /** Throws KvError `compacted`, `future-revision`, `empty-key`. */
  range(request: RangeRequest): RangeResult;
  lease(id: LeaseId): LeaseRecord | undefined;
  leases(): readonly LeaseRecord[];
  /**
   * Events of [startRevision, newest] in an interval, oldest first, at most `maxRevisions`
   * revisions a call: the history that a watcher resumes from. Throws `compacted`.
   */
  history(
    key: Bytes,
    rangeEnd: Bytes | undefined,
    startRevision: number,
    options: { readonly prevKv: boolean; readonly maxRevisions: number },
  ): readonly RevisionEvents[];
  /** Called synchronously at the end of each `apply` batch with everything it changed (prevKv always set). */
  onCommit: ((revisions: readonly RevisionEvents[]) => void) | undefined;
  /** Called when leases are granted or revoked, and with everything after `restore`. */
  onLease: ((change: LeaseChange) => void) | undefined;
  /** etcd's HashKV: over every key revision ≤ `revision` that compaction keeps. */
  hash(revision: number): {
    readonly hash: number;
    readonly revision: number;
    readonly compactRevision: number;
  };
  /** Bytes of keys and values kept, with all history: what `dbSize` reports. */
  readonly sizeBytes: number;
}

export type LeaseChange =
  | { readonly type: "granted"; readonly id: LeaseId; readonly ttl: number }
  | { readonly type: "revoked"; readonly id: LeaseId }
  | { readonly type: "restored" };
