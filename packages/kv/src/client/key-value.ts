import type {
  Bytes,
  Compare,
  DeleteRangeResult,
  KeyValuePair,
  LeaseId,
  PutResult,
  RangeRequest,
  RangeResult,
  RequestOp,
  TxnResult,
  WatchEvent,
} from "../api/types.js";

/** A key or value: a string stands for its UTF-8 bytes. */
export type BytesLike = Bytes | string;

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Which keys: one, those with a prefix, or a half-open interval. */
export interface KeySelector {
  readonly prefix?: boolean;
  readonly rangeEnd?: BytesLike;
}

export interface RangeOptions
  extends CallOptions,
    KeySelector,
    Omit<RangeRequest, "key" | "rangeEnd"> {}

export interface WatchOptions extends CallOptions, KeySelector {
  /** First revision to see; by default the next after the watch is created. */
  readonly startRevision?: number;
  readonly prevKv?: boolean;
  /** Ask for empty batches that tell the newest revision when nothing happens. */
  readonly progressNotify?: boolean;
  readonly filters?: readonly ("no-put" | "no-delete")[];
}

/** Everything of one or more whole revisions, in order; no revision is split over two batches. */
export interface WatchBatch {
  /** All events up to this revision were delivered with this batch: resume from revision + 1. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export interface Transaction {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure?: readonly RequestOp[];
}

/**
 * The store as its users see it, in this process or over the network: both the embedded member's
 * `local` store and `kv/client` fulfil it, against our servers and etcd's alike. Every method
 * rejects with KvError. Writes are linearizable and durable once they resolve; reads are
 * linearizable unless `serializable` is asked for.
 */
export interface KeyValue {
  range(
    key: BytesLike,
    options?: RangeOptions,
  ): Promise<RangeResult & { readonly revision: number }>;
  /** The one key, or null. */
  get(key: BytesLike, options?: CallOptions): Promise<KeyValuePair | null>;
  put(
    key: BytesLike,
    value: BytesLike,
    options?: CallOptions & { readonly lease?: LeaseId; readonly prevKv?: boolean },
  ): Promise<PutResult & { readonly revision: number }>;
  delete(
    key: BytesLike,
    options?: CallOptions & KeySelector & { readonly prevKv?: boolean },
  ): Promise<DeleteRangeResult & { readonly revision: number }>;
  txn(
    transaction: Transaction,
    options?: CallOptions,
  ): Promise<TxnResult & { readonly revision: number }>;
  /**
   * Ordered, without gaps or doubles; survives reconnects by resuming after the last batch. Ends
   * when `signal` aborts; throws KvError `compacted` when the revision to resume from is gone.
   */
  watch(key: BytesLike, options?: WatchOptions): AsyncIterable<WatchBatch>;
  /** TTL in seconds; a store may raise it (etcd's minimum is 2 s with default timings). */
  leaseGrant(
    ttlSeconds: number,
    options?: CallOptions & { readonly id?: LeaseId },
  ): Promise<{ readonly id: LeaseId; readonly ttl: number }>;
  /** Renews once; resolves to the remaining seconds, or rejects with `lease-not-found`. */
  leaseKeepAlive(id: LeaseId, options?: CallOptions): Promise<number>;
  leaseRevoke(id: LeaseId, options?: CallOptions): Promise<void>;
}
