import type {
  CommandResult,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeResult,
  RequestOp,
  TxnRequest,
} from "../api/types.js";
import type { Caller } from "../auth/auth-guard.js";
import type { CompactionRequest } from "../codec/index.js";
import { checkDelete, checkPut, checkRange, checkTxn } from "../store/check.js";
import type { Backend } from "./backend.js";

type Result<T extends CommandResult["type"]> = Extract<CommandResult, { type: T }>;

/** What a caller may give along with a request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Its size on the wire, for the limit. */
  readonly bytes?: number;
  /** Who asks; absent: the process itself, which may everything. */
  readonly caller?: Caller | undefined;
}

/** etcd's KV service, free of any RPC library. Every method rejects with KvError. */
export class KvService {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async range(
    request: RangeRequest,
    options?: RequestOptions,
  ): Promise<{ readonly revision: number; readonly result: RangeResult }> {
    checkRange(request);
    const { store, guard } = this.#backend;
    if (request.serializable !== true) {
      this.#backend.checkNotLearner();
      await this.#backend.readBarrier(options?.signal);
    }
    if (guard.enabled) {
      const author = await guard.author(options?.caller, options?.signal);
      guard.checkRead(author, request.key, request.rangeEnd);
    }
    return { result: store.range(request), revision: store.revision };
  }

  put(request: PutRequest, options?: RequestOptions): Promise<Result<"put">> {
    return this.#write(options, () => {
      checkPut(request);
      this.#checkGrowth(options?.bytes ?? request.key.length + request.value.length);
      return this.#backend.proposeFor({ type: "put", request }, options);
    });
  }

  deleteRange(request: DeleteRangeRequest, options?: RequestOptions): Promise<Result<"delete">> {
    return this.#write(options, () => {
      checkDelete(request);
      const { key, rangeEnd } = request;
      this.#backend.checkSize(options?.bytes ?? key.length + (rangeEnd?.length ?? 0));
      return this.#backend.proposeFor({ type: "delete", request }, options);
    });
  }

  txn(request: TxnRequest, options?: RequestOptions): Promise<Result<"txn">> {
    return this.#write(options, async () => {
      checkTxn(request, this.#backend.limits.maxTxnOps);
      const bytes = options?.bytes ?? txnBytes(request);
      this.#backend.checkSize(bytes);
      if (puts(request)) this.#backend.checkQuota(bytes);
      return await this.#backend.proposeFor({ type: "txn", request }, options);
    });
  }

  compact(request: CompactionRequest, options?: RequestOptions): Promise<Result<"compact">> {
    return this.#write(options, () =>
      this.#backend.proposeFor({ type: "compact", ...request }, options),
    );
  }

  async #write<T>(options: RequestOptions | undefined, write: () => Promise<T>): Promise<T> {
    options?.signal?.throwIfAborted();
    this.#backend.checkNotLearner();
    return await write();
  }

  #checkGrowth(bytes: number): void {
    this.#backend.checkSize(bytes);
    this.#backend.checkQuota(bytes);
  }
}

/** Whether a transaction may put something, in either branch. */
function puts(request: TxnRequest): boolean {
  const may = (op: RequestOp): boolean =>
    op.type === "put" || (op.type === "txn" && puts(op.request));
  return request.success.some(may) || request.failure.some(may);
}

/** The bytes that a transaction carries, for a caller that did not get it from the wire. */
function txnBytes(request: TxnRequest): number {
  let bytes = 0;
  for (const compare of request.compare) {
    bytes += compare.key.length + (compare.target === "value" ? compare.value.length : 0);
  }
  for (const op of [...request.success, ...request.failure]) {
    if (op.type === "txn") bytes += txnBytes(op.request);
    else bytes += op.request.key.length + (op.type === "put" ? op.request.value.length : 0);
  }
  return bytes;
}
