import { KvError } from "../api/errors.js";
import type { LeaseId } from "../api/types.js";
import { MAX_LEASE_TTL } from "../store/apply.js";
import type { LeaseChange } from "../store/types.js";
import { ExpiryHeap, type HeapItem } from "./expiry-heap.js";
import type { LeaseSource, LeaseTime, LessorOptions } from "./types.js";

/** Leases told by one `expired()`: at a poll every 100 ms that is etcd's 1,000 revokes a second. */
export const EXPIRED_PER_POLL = 100;

interface Clocked extends HeapItem {
  readonly id: LeaseId;
  readonly ttl: number;
  /** Milliseconds on the lessor's clock. */
  expiry: number;
}

/**
 * The clock of leases. It runs on the leader only: the store knows which leases exist and which
 * keys hang on them, every member alike; when a lease ends is the leader's judgement, which it
 * makes true by proposing a `lease-revoke` with its term. A new leader restarts every TTL, for it
 * cannot know when the last one saw a keep-alive: a lease may live longer than granted, never shorter.
 *
 * It owns `store.onLease`. It has no timer: call `expired()` every 100 ms or so while leading.
 *
 * @example
 * ```ts
 * const lessor = new Lessor({ store, now: () => performance.now(), minTtlSeconds: 2 });
 * lessor.promote();
 * setInterval(() => {
 *   for (const id of lessor.expired()) propose({ type: "lease-revoke", id, term });
 * }, 100);
 * ```
 */
export class Lessor {
  readonly minTtlSeconds: number;
  readonly #store: LeaseSource;
  readonly #now: () => number;
  readonly #retryMs: number;
  readonly #leases = new Map<LeaseId, Clocked>();
  /** Each lease once, at a time no later than its expiry: renewing does not touch the heap. */
  readonly #heap = new ExpiryHeap<Clocked>();
  #leading = false;

  constructor(options: LessorOptions) {
    this.#store = options.store;
    this.#now = options.now;
    this.#retryMs = options.retryMs ?? 3000;
    this.minTtlSeconds = options.minTtlSeconds;
    this.#store.onLease = (change) => this.#changed(change);
  }

  /** True between `promote()` and `demote()`. */
  get leading(): boolean {
    return this.#leading;
  }

  /**
   * The TTL to propose for one asked for: at least the minimum. Works on any member.
   * Throws KvError `lease-ttl-too-large` above etcd's limit of 9e9 seconds.
   */
  grantedTtl(ttlSeconds: number): number {
    if (ttlSeconds > MAX_LEASE_TTL) throw new KvError("lease-ttl-too-large");
    return Math.max(Math.ceil(ttlSeconds), this.minTtlSeconds);
  }

  /**
   * This member leads now: every lease gets its whole TTL again. No more than that: a keep-alive is
   * answered only after a quorum has confirmed the leader, so that none was answered after this
   * election, and a holder who counts from its last answer counts from earlier.
   */
  promote(): void {
    this.#leading = true;
    this.#restart();
  }

  /** This member leads no more: nothing expires here. */
  demote(): void {
    this.#leading = false;
    this.#leases.clear();
    this.#heap.clear();
  }

  /**
   * A keep-alive: the lease has its whole TTL again, which is returned in seconds.
   * Throws KvError `lease-not-found` (also for one that has expired and waits to be revoked, for its
   * holder must not be told that it lives) or `not-leader`.
   */
  renew(id: LeaseId): number {
    const lease = this.#leased(id);
    const now = this.#now();
    if (lease.expiry <= now) throw new KvError("lease-not-found");
    lease.expiry = now + lease.ttl * 1000;
    return lease.ttl;
  }

  /** Throws KvError `lease-not-found` or `not-leader`. The keys are in `store.lease(id)`. */
  timeToLive(id: LeaseId): LeaseTime {
    const lease = this.#leased(id);
    const left = Math.max(0, Math.floor((lease.expiry - this.#now()) / 1000));
    return { id, grantedTtl: lease.ttl, ttl: left };
  }

  /**
   * Leases past their expiry, the oldest first, at most `limit`. Each is told again only after
   * `retryMs`, should it still exist then. Empty when not leading.
   */
  expired(limit: number = EXPIRED_PER_POLL): LeaseId[] {
    const now = this.#now();
    const due: LeaseId[] = [];
    while (due.length < limit) {
      const lease = this.#heap.first;
      if (lease === undefined || lease.time > now) break;
      this.#heap.remove(lease);
      const isDue = lease.expiry <= now;
      if (isDue) due.push(lease.id);
      lease.time = isDue ? now + this.#retryMs : lease.expiry;
      this.#heap.push(lease);
    }
    return due;
  }

  /** Milliseconds until `expired()` may have something; Infinity when nothing is clocked. */
  get nextCheckMs(): number {
    return Math.max(0, (this.#heap.first?.time ?? Number.POSITIVE_INFINITY) - this.#now());
  }

  #leased(id: LeaseId): Clocked {
    if (!this.#leading) throw new KvError("not-leader");
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new KvError("lease-not-found");
    return lease;
  }

  #changed(change: LeaseChange): void {
    if (!this.#leading) return;
    if (change.type === "granted") this.#clock(change.id, change.ttl);
    else if (change.type === "revoked") this.#forget(change.id);
    else this.#restart();
  }

  #forget(id: LeaseId): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    this.#leases.delete(id);
    this.#heap.remove(lease);
  }

  #restart(): void {
    this.#leases.clear();
    this.#heap.clear();
    for (const { id, ttl } of this.#store.leaseTtls()) this.#clock(id, ttl);
  }

  #clock(id: LeaseId, ttl: number): void {
    const expiry = this.#now() + ttl * 1000;
    const lease = { id, ttl, expiry, time: expiry, place: -1 };
    this.#leases.set(id, lease);
    this.#heap.push(lease);
  }
}
