import { randomBytes } from "node:crypto";
import { KvError } from "../api/errors.js";
import type { Bytes, CommandResult, LeaseId } from "../api/types.js";
import type { LeaseTime } from "../lease/types.js";
import type { Backend } from "./backend.js";
import type { RequestOptions } from "./kv-service.js";

/** What a lease has left. */
export interface LeaseLife extends LeaseTime {
  /** Only when asked for. */
  readonly keys: readonly Bytes[];
}

/** Asks the leader, which alone keeps the time of leases. Rejects with KvError. */
export interface LeaderPort {
  /** Seconds granted anew; rejects with `lease-not-found`. */
  keepAlive(id: LeaseId, signal?: AbortSignal): Promise<number>;
  timeToLive(id: LeaseId, signal?: AbortSignal): Promise<LeaseTime>;
}

/** How a lease request came: one that a member has forwarded is not forwarded again. */
export interface LeaseOptions extends RequestOptions {
  readonly forwarded?: boolean;
}

/** etcd's Lease service, free of any RPC library. Every method rejects with KvError. */
export class LeaseService {
  readonly #backend: Backend;
  readonly #leader: LeaderPort;

  constructor(backend: Backend, leader: LeaderPort) {
    this.#backend = backend;
    this.#leader = leader;
  }

  /** `id` 0n: one is chosen, positive and below 2^53 so that every client's numbers hold it. */
  async grant(
    request: { readonly ttl: number; readonly id: LeaseId },
    options?: RequestOptions,
  ): Promise<Extract<CommandResult, { type: "lease-grant" }>> {
    this.#backend.checkNotLearner();
    const ttl = this.#backend.lessor.grantedTtl(request.ttl);
    this.#backend.checkQuota(0);
    const id = request.id === 0n ? this.#freeId() : request.id;
    return await this.#backend.proposeFor({ type: "lease-grant", id, ttl }, options);
  }

  /** Deletes the lease's keys in one revision. */
  async revoke(
    id: LeaseId,
    options?: RequestOptions,
  ): Promise<Extract<CommandResult, { type: "lease-revoke" }>> {
    this.#backend.checkNotLearner();
    return await this.#backend.proposeFor({ type: "lease-revoke", id }, options);
  }

  /**
   * Renews once; resolves to the seconds granted anew, rejects with `lease-not-found`. Leadership
   * is confirmed by a quorum first: a leader that was deposed and does not know it yet must not
   * promise what the new one does not keep.
   */
  async keepAlive(id: LeaseId, options?: LeaseOptions): Promise<number> {
    return await this.#atLeader(
      options,
      () => this.#backend.lessor.renew(id),
      () => this.#leader.keepAlive(id, options?.signal),
    );
  }

  /** Never rejects with `lease-not-found`: the TTL of a lease that is not there is −1. */
  async timeToLive(id: LeaseId, keys: boolean, options?: LeaseOptions): Promise<LeaseLife> {
    const { grantedTtl, ttl } = await this.#atLeader(
      options,
      () => this.#life(id),
      () => this.#leader.timeToLive(id, options?.signal),
    );
    return { id, ttl, grantedTtl, keys: keys && ttl >= 0 ? await this.#keys(id, options) : [] };
  }

  /** Of every lease that exists, the ID. */
  async leases(options?: RequestOptions): Promise<readonly LeaseId[]> {
    this.#backend.checkNotLearner();
    await this.#backend.readBarrier(options?.signal);
    return Array.from(this.#backend.store.leaseTtls(), ({ id }) => id);
  }

  async #atLeader<T>(
    options: LeaseOptions | undefined,
    here: () => T,
    there: () => Promise<T>,
  ): Promise<T> {
    this.#backend.checkNotLearner();
    if (this.#backend.log.isLeader) {
      await this.#backend.readBarrier(options?.signal);
      try {
        return here();
      } catch (error) {
        if (!KvError.is(error) || error.code !== "not-leader") throw error;
      }
    }
    if (options?.forwarded === true) throw new KvError("not-leader");
    return await there();
  }

  #life(id: LeaseId): LeaseTime {
    try {
      return this.#backend.lessor.timeToLive(id);
    } catch (error) {
      if (!KvError.is(error) || error.code !== "lease-not-found") throw error;
      return { id, ttl: -1, grantedTtl: 0 };
    }
  }

  /** The keys on a lease, as this member has them: each must be the caller's to read. */
  async #keys(id: LeaseId, options: LeaseOptions | undefined): Promise<readonly Bytes[]> {
    const { guard, store } = this.#backend;
    await this.#backend.readBarrier(options?.signal);
    const author = await guard.author(options?.caller, options?.signal);
    const keys = store.lease(id)?.keys ?? [];
    for (const key of keys) guard.checkRead(author, key);
    return keys;
  }

  #freeId(): LeaseId {
    for (;;) {
      const id = BigInt.asUintN(53, randomBytes(8).readBigUInt64BE());
      if (id !== 0n && this.#backend.store.lease(id) === undefined) return id;
    }
  }
}
