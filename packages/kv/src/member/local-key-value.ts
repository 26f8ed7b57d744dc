import { KvError } from "../api/errors.js";
import type {
  DeleteRangeResult,
  KeyValuePair,
  LeaseId,
  PutResult,
  RangeResult,
  TxnResult,
} from "../api/types.js";
import type { Caller } from "../auth/auth-guard.js";
import type {
  BytesLike,
  CallOptions,
  KeySelector,
  KeyValue,
  RangeOptions,
  Transaction,
  WatchBatch,
  WatchOptions,
} from "../client/key-value.js";
import { deleteRequest, putRequest, rangeRequest, txnRequest } from "../client/requests.js";
import type { Backend } from "../server/backend.js";
import type { KvService } from "../server/kv-service.js";
import type { LeaseService } from "../server/lease-service.js";
import { LocalWatch } from "./local-watch.js";

type WithRevision<T> = T & { readonly revision: number };

/**
 * The member's store without a network hop: the services called directly. What it gives are views of
 * the store's memory where the store says so; do not change them.
 */
export class LocalKeyValue implements KeyValue {
  readonly #backend: Backend;
  readonly #kv: KvService;
  readonly #lease: LeaseService;
  readonly #caller: Caller | undefined;

  /** In the name of `caller`; without one everything is permitted. Watches are not checked. */
  constructor(backend: Backend, kv: KvService, lease: LeaseService, caller?: Caller) {
    this.#backend = backend;
    this.#kv = kv;
    this.#lease = lease;
    this.#caller = caller;
  }

  async range(key: BytesLike, options?: RangeOptions): Promise<WithRevision<RangeResult>> {
    const { result, revision } = await cancellable(options, (signal) =>
      this.#kv.range(rangeRequest(key, options), { signal, caller: this.#caller }),
    );
    return { ...result, revision };
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
    const { result, revision } = await cancellable(options, (signal) =>
      this.#kv.put(putRequest(key, value, options), { signal, caller: this.#caller }),
    );
    return { ...result, revision };
  }

  async delete(
    key: BytesLike,
    options?: CallOptions & KeySelector & { readonly prevKv?: boolean },
  ): Promise<WithRevision<DeleteRangeResult>> {
    const { result, revision } = await cancellable(options, (signal) =>
      this.#kv.deleteRange(deleteRequest(key, options), { signal, caller: this.#caller }),
    );
    return { ...result, revision };
  }

  async txn(transaction: Transaction, options?: CallOptions): Promise<WithRevision<TxnResult>> {
    const { result, revision } = await cancellable(options, (signal) =>
      this.#kv.txn(txnRequest(transaction), { signal, caller: this.#caller }),
    );
    return { ...result, revision };
  }

  watch(key: BytesLike, options: WatchOptions = {}): AsyncIterable<WatchBatch> {
    return {
      [Symbol.asyncIterator]: () => new LocalWatch(this.#backend.hub, key, options),
    };
  }

  async leaseGrant(
    ttlSeconds: number,
    options?: CallOptions & { readonly id?: LeaseId },
  ): Promise<{ readonly id: LeaseId; readonly ttl: number }> {
    const { id, ttl } = await cancellable(options, (signal) =>
      this.#lease.grant(
        { ttl: Math.ceil(ttlSeconds), id: options?.id ?? 0n },
        { signal, caller: this.#caller },
      ),
    );
    return { id, ttl };
  }

  async leaseKeepAlive(id: LeaseId, options?: CallOptions): Promise<number> {
    return await cancellable(options, (signal) =>
      this.#lease.keepAlive(id, { signal, caller: this.#caller }),
    );
  }

  async leaseRevoke(id: LeaseId, options?: CallOptions): Promise<void> {
    await cancellable(options, (signal) =>
      this.#lease.revoke(id, { signal, caller: this.#caller }),
    );
  }
}

/** An aborted call rejects with `cancelled`, whatever the reason of the signal. */
async function cancellable<T>(
  options: CallOptions | undefined,
  call: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const signal = options?.signal;
  try {
    signal?.throwIfAborted();
    return await call(signal);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw new KvError("cancelled", "the call was aborted", { cause: error });
  }
}
