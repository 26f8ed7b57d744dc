import type { LeaseId } from "../api/types.js";
import type { LeaseChange, LeaseRecord } from "../store/types.js";

/** What the lessor needs of a store; `MvccStore` fulfils it. */
export interface LeaseSource {
  lease(id: LeaseId): LeaseRecord | undefined;
  /** IDs and granted seconds without the keys: cheap with many leases. */
  leaseTtls(): Iterable<{ readonly id: LeaseId; readonly ttl: number }>;
  onLease: ((change: LeaseChange) => void) | undefined;
}

/** How to make a lessor. */
export interface LessorOptions {
  readonly store: LeaseSource;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /**
   * Shortest TTL in seconds that is granted. etcd takes `ceil(3 × election timeout / 2)`: 2 with its
   * 1,000 ms.
   */
  readonly minTtlSeconds: number;
  /**
   * How long `expired()` keeps quiet about a lease it has told, in milliseconds: the time for the
   * revoke to pass through consensus before it is tried again; 3,000 by default.
   */
  readonly retryMs?: number;
}

/** A lease's time as the leader keeps it. */
export interface LeaseTime {
  readonly id: LeaseId;
  readonly grantedTtl: number;
  /** Whole seconds left, rounded down; −1 when there is no such lease (any more). */
  readonly ttl: number;
}
