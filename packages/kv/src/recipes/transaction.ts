import type { Compare, CompareResult, LeaseId, RequestOp, ResponseOp } from "../api/types.js";
import type {
  BytesLike,
  CallOptions,
  KeySelector,
  KeyValue,
  RangeOptions,
} from "../client/key-value.js";
import { toBytes, toInterval } from "../client/keys.js";

/** Conditions on one key, for transactions. See {@link condition}. */
export class Condition {
  readonly #key: Uint8Array;

  /** Use {@link condition}. */
  constructor(key: BytesLike) {
    this.#key = toBytes(key);
  }

  /** There is no such key. */
  absent(): Compare {
    return this.createdAt(0);
  }

  /** There is such a key. */
  exists(): Compare {
    return this.#number("create", "not-equal", 0);
  }

  /** It was created at this revision, and not deleted since. */
  createdAt(revision: number): Compare {
    return this.#number("create", "equal", revision);
  }

  /** It was last changed at this revision. */
  unchangedSince(revision: number): Compare {
    return this.#number("mod", "equal", revision);
  }

  /** Puts since its creation. */
  version(result: CompareResult, version: number): Compare {
    return this.#number("version", result, version);
  }

  /** False for a key that is not there. */
  value(result: CompareResult, value: BytesLike): Compare {
    return { key: this.#key, target: "value", result, value: toBytes(value) };
  }

  lease(result: CompareResult, lease: LeaseId): Compare {
    return { key: this.#key, target: "lease", result, lease };
  }

  #number(target: "version" | "create" | "mod", result: CompareResult, revision: number): Compare {
    return { key: this.#key, target, result, revision };
  }
}

/**
 * A condition on a key.
 *
 * @example
 * ```ts
 * transaction(kv).when(condition("leader").absent());
 * ```
 */
export function condition(key: BytesLike): Condition {
  return new Condition(key);
}

/** An operation of a transaction, and what it gives: `T` is one of the results of `ResponseOp`. */
export interface Operation<T extends ResponseOp["type"] = ResponseOp["type"]> {
  readonly op: RequestOp & { readonly type: T };
}

/** Writes a key. */
export function put(
  key: BytesLike,
  value: BytesLike,
  options: { readonly lease?: LeaseId; readonly prevKv?: boolean } = {},
): Operation<"put"> {
  return { op: { type: "put", request: { key: toBytes(key), value: toBytes(value), ...options } } };
}

/** Reads keys. */
export function range(
  key: BytesLike,
  options: Omit<RangeOptions, "signal"> = {},
): Operation<"range"> {
  const { prefix, rangeEnd, ...rest } = options;
  const selector = { ...(prefix ? { prefix } : {}), ...(rangeEnd ? { rangeEnd } : {}) };
  return { op: { type: "range", request: { ...rest, ...toInterval(key, selector) } } };
}

/** Deletes keys. */
export function remove(
  key: BytesLike,
  options: KeySelector & { readonly prevKv?: boolean } = {},
): Operation<"delete"> {
  const { prevKv } = options;
  const request = { ...toInterval(key, options), ...(prevKv ? { prevKv } : {}) };
  return { op: { type: "delete", request } };
}

/** The results of operations, in their order, each of its own type. */
export type ResultsOf<Operations extends readonly Operation[]> = {
  readonly [Index in keyof Operations]: Operations[Index] extends Operation<infer T>
    ? Extract<ResponseOp, { type: T }>["result"]
    : never;
};

/** What a transaction did: which branch ran, and what its operations gave. */
export type Outcome<Then extends readonly Operation[], Else extends readonly Operation[]> =
  | {
      readonly succeeded: true;
      readonly revision: number;
      readonly results: ResultsOf<Then>;
    }
  | {
      readonly succeeded: false;
      readonly revision: number;
      readonly results: ResultsOf<Else>;
    };

/**
 * A transaction in the making; each method gives a new one. See {@link transaction}.
 */
export class TransactionBuilder<
  Then extends readonly Operation[] = readonly [],
  Else extends readonly Operation[] = readonly [],
> {
  readonly #kv: KeyValue;
  readonly #compare: readonly Compare[];
  readonly #then: Then;
  readonly #otherwise: Else;

  /** Use {@link transaction}. */
  constructor(kv: KeyValue, compare: readonly Compare[], success: Then, otherwise: Else) {
    this.#kv = kv;
    this.#compare = compare;
    this.#then = success;
    this.#otherwise = otherwise;
  }

  /** Adds conditions; all must hold. */
  when(...conditions: readonly Compare[]): TransactionBuilder<Then, Else> {
    const compare = [...this.#compare, ...conditions];
    return new TransactionBuilder(this.#kv, compare, this.#then, this.#otherwise);
  }

  /** What is done when all conditions hold. */
  do<const Operations extends readonly Operation[]>(
    ...operations: Operations
  ): TransactionBuilder<Operations, Else> {
    return new TransactionBuilder(this.#kv, this.#compare, operations, this.#otherwise);
  }

  /** What is done when one does not. */
  otherwise<const Operations extends readonly Operation[]>(
    ...operations: Operations
  ): TransactionBuilder<Then, Operations> {
    return new TransactionBuilder(this.#kv, this.#compare, this.#then, operations);
  }

  /**
   * All of one branch happens at one revision, or nothing.
   *
   * @throws KvError as `KeyValue.txn`: `duplicate-key`, `too-many-ops`, `no-space`, …
   */
  async commit(options?: CallOptions): Promise<Outcome<Then, Else>> {
    const { succeeded, revision, responses } = await this.#kv.txn(
      {
        compare: this.#compare,
        success: this.#then.map(({ op }) => op),
        failure: this.#otherwise.map(({ op }) => op),
      },
      options,
    );
    const results = responses.map(({ result }) => result);
    // The store answers each operation of the branch that ran, in order, with its own kind.
    return { succeeded, revision, results } as unknown as Outcome<Then, Else>;
  }
}

/**
 * Begins a transaction whose results are typed after its operations.
 *
 * @example
 * ```ts
 * const outcome = await transaction(kv)
 *   .when(condition("config").unchangedSince(revision))
 *   .do(put("config", next))
 *   .otherwise(range("config"))
 *   .commit();
 * if (!outcome.succeeded) console.log("someone else was first:", outcome.results[0].kvs[0]);
 * ```
 */
export function transaction(kv: KeyValue): TransactionBuilder {
  return new TransactionBuilder(kv, [], [], []);
}
