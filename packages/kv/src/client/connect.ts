import type { Buffer } from "node:buffer";
import { KvError } from "../api/errors.js";
import type {
  DeleteRangeResult,
  KeyValuePair,
  LeaseId,
  PutResult,
  RangeResult,
  TxnResult,
} from "../api/types.js";
import {
  encode,
  Reader,
  readDeleteResponse,
  readLeaseTtlResponse,
  readPutResponse,
  readRangeResponse,
  readTimeToLiveResponse,
  readTxnResponse,
  writeCompactionRequest,
  writeDeleteRequest,
  writeLeaseGrantRequest,
  writeLeaseId,
  writePutRequest,
  writeRangeRequest,
  writeTimeToLiveRequest,
  writeTxnRequest,
} from "../codec/index.js";
import type { EndpointHash, EndpointStatus, Membership } from "./admin.js";
import { fetchHash, fetchMembers, fetchStatus } from "./admin.js";
import { Caller } from "./caller.js";
import { ClientWatch } from "./client-watch.js";
import { leaseKeepAliveOnce } from "./keep-alive.js";
import type {
  BytesLike,
  CallOptions,
  KeySelector,
  KeyValue,
  RangeOptions,
  Transaction,
  WatchBatch,
  WatchOptions,
} from "./key-value.js";
import { deleteRequest, putRequest, rangeRequest, txnRequest } from "./requests.js";

/** How to reach a store. */
export interface ConnectOptions {
  /** Client URLs (`http://host:port`, `etcd://host:port`) or `host:port`, of any of its members. */
  readonly endpoints: readonly string[];
  /** Deadline of each call with all its attempts, in milliseconds; 5,000 by default. */
  readonly timeoutMs?: number;
}

/** What a lease has left. */
export interface LeaseLife {
  readonly id: LeaseId;
  /** Seconds; −1 when there is no such lease (any more). */
  readonly ttl: number;
  readonly grantedTtl: number;
  /** Empty unless asked for. */
  readonly keys: readonly Uint8Array[];
}

type WithRevision<T> = T & { readonly revision: number };

/**
 * A store over the network: ours or etcd 3.4 and newer. See {@link connect}.
 */
export class KeyValueClient implements KeyValue, AsyncDisposable {
  readonly #caller: Caller;

  /** Use {@link connect}. */
  constructor(options: ConnectOptions) {
    if (options.endpoints.length === 0) {
      throw new KvError("invalid-options", "a client needs at least one endpoint");
    }
    this.#caller = new Caller(options.endpoints, options.timeoutMs ?? 5000);
  }

  async range(key: BytesLike, options?: RangeOptions): Promise<WithRevision<RangeResult>> {
    const request = encode(writeRangeRequest, rangeRequest(key, options));
    const bytes = await this.#caller.unary("/etcdserverpb.KV/Range", request, {
      idempotent: true,
      signal: options?.signal,
    });
    const { header, result } = readRangeResponse(new Reader(bytes));
    return { ...result, revision: header.revision };
  }

  async get(key: BytesLike, options?: CallOptions): Promise<KeyValuePair | null> {
    const { kvs } = await this.range(key, options);
    return kvs[0] ?? null;
  }

  async put(
    key: BytesLike,
    value: BytesLike,
    options?: CallOptions & { readonly lease?: LeaseId; readonly prevKv?: boolean },
  ): Promise<WithRevision<PutResult>> {
    const request = encode(writePutRequest, putRequest(key, value, options));
    const bytes = await this.#write("/etcdserverpb.KV/Put", request, options);
    const { header, result } = readPutResponse(new Reader(bytes));
    return { ...result, revision: header.revision };
  }

  async delete(
    key: BytesLike,
    options?: CallOptions & KeySelector & { readonly prevKv?: boolean },
  ): Promise<WithRevision<DeleteRangeResult>> {
    const request = encode(writeDeleteRequest, deleteRequest(key, options));
    const bytes = await this.#write("/etcdserverpb.KV/DeleteRange", request, options);
    const { header, result } = readDeleteResponse(new Reader(bytes));
    return { ...result, revision: header.revision };
  }

  async txn(transaction: Transaction, options?: CallOptions): Promise<WithRevision<TxnResult>> {
    const request = txnRequest(transaction);
    const writes = [...request.success, ...request.failure].some(({ type }) => type !== "range");
    const bytes = await this.#caller.unary(
      "/etcdserverpb.KV/Txn",
      encode(writeTxnRequest, request),
      { idempotent: !writes, signal: options?.signal },
    );
    const { header, result } = readTxnResponse(new Reader(bytes));
    return { ...result, revision: header.revision };
  }

  watch(key: BytesLike, options: WatchOptions = {}): AsyncIterable<WatchBatch> {
    return { [Symbol.asyncIterator]: () => new ClientWatch(this.#caller, key, options) };
  }

  async leaseGrant(
    ttlSeconds: number,
    options?: CallOptions & { readonly id?: LeaseId },
  ): Promise<{ readonly id: LeaseId; readonly ttl: number }> {
    const request = { ttl: Math.ceil(ttlSeconds), id: options?.id ?? 0n };
    const bytes = await this.#write(
      "/etcdserverpb.Lease/LeaseGrant",
      encode(writeLeaseGrantRequest, request),
      options,
    );
    const { id, ttl } = readLeaseTtlResponse(new Reader(bytes));
    return { id, ttl };
  }

  async leaseKeepAlive(id: LeaseId, options?: CallOptions): Promise<number> {
    return await this.#caller.run(
      { idempotent: true, signal: options?.signal },
      (channel, settings) => leaseKeepAliveOnce(channel, id, settings),
    );
  }

  async leaseRevoke(id: LeaseId, options?: CallOptions): Promise<void> {
    await this.#write("/etcdserverpb.Lease/LeaseRevoke", encode(writeLeaseId, id), options);
  }

  /** What a lease has left, and with `keys` what hangs on it. */
  async leaseTimeToLive(
    id: LeaseId,
    options?: CallOptions & { readonly keys?: boolean },
  ): Promise<LeaseLife> {
    const request = encode(writeTimeToLiveRequest, { id, keys: options?.keys === true });
    const bytes = await this.#caller.unary("/etcdserverpb.Lease/LeaseTimeToLive", request, {
      idempotent: true,
      signal: options?.signal,
    });
    const { ttl, grantedTtl, keys } = readTimeToLiveResponse(new Reader(bytes));
    return { id, ttl, grantedTtl, keys };
  }

  /** Forgets history below `revision`; `physical` waits until it is gone. */
  async compact(
    revision: number,
    options?: CallOptions & { readonly physical?: boolean },
  ): Promise<void> {
    const request = { revision, physical: options?.physical === true };
    await this.#write("/etcdserverpb.KV/Compact", encode(writeCompactionRequest, request), options);
  }

  /** The members of the cluster; with `serializable` as one of them knows it, even without a quorum. */
  async members(options?: CallOptions & { readonly serializable?: boolean }): Promise<Membership> {
    return await fetchMembers(this.#caller, options?.serializable !== true, options?.signal);
  }

  /** Of one of the endpoints that the client was made with. */
  async status(endpoint: string, options?: CallOptions): Promise<EndpointStatus> {
    return await fetchStatus(this.#caller, endpoint, options?.signal);
  }

  /** HashKV of one of the endpoints; revision 0 is its newest. */
  async hashKv(endpoint: string, revision = 0, options?: CallOptions): Promise<EndpointHash> {
    return await fetchHash(this.#caller, endpoint, revision, options?.signal);
  }

  /** Ends every watch, and the connections. */
  async close(): Promise<void> {
    this.#caller.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #write(path: string, request: Buffer, options: CallOptions | undefined): Promise<Buffer> {
    return this.#caller.unary(path, request, { idempotent: false, signal: options?.signal });
  }
}

/**
 * Connects to a store, ours or etcd's. It does not wait: connections are made with the first calls,
 * and made anew as long as the client is open.
 *
 * - Calls go to the endpoints in turn; one that fails is passed over for a while (0.5 s, doubling to
 *   10 s).
 * - Reads are repeated on another endpoint until the deadline, writes only when they certainly were
 *   not executed: a KvError of status `Unavailable` from a write means that it may have been.
 * - An endpoint that hangs (a stopped process keeps its connections) is noticed within a second by a
 *   probe before writes, and within three by watches.
 * - Watches go on after reconnecting, without gaps or doubles.
 *
 * @example
 * ```ts
 * await using kv = connect({ endpoints: ["http://127.0.0.1:2379"] });
 * await kv.put("greeting", "ahoy");
 * ```
 */
export function connect(options: ConnectOptions): KeyValueClient {
  return new KeyValueClient(options);
}
