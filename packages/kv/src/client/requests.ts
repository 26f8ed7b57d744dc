import type { DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest } from "../api/types.js";
import type { BytesLike, KeySelector, RangeOptions, Transaction } from "./key-value.js";
import { toBytes, toInterval } from "./keys.js";

/** The request that a `range` of the {@link KeyValue} port stands for. */
export function rangeRequest(key: BytesLike, options: RangeOptions = {}): RangeRequest {
  const { signal: _signal, prefix: _prefix, rangeEnd: _rangeEnd, ...rest } = options;
  return { ...rest, ...toInterval(key, options) };
}

export function putRequest(
  key: BytesLike,
  value: BytesLike,
  options: { readonly lease?: bigint; readonly prevKv?: boolean } = {},
): PutRequest {
  return {
    key: toBytes(key),
    value: toBytes(value),
    ...(options.lease === undefined ? {} : { lease: options.lease }),
    ...(options.prevKv === undefined ? {} : { prevKv: options.prevKv }),
  };
}

export function deleteRequest(
  key: BytesLike,
  options: KeySelector & { readonly prevKv?: boolean } = {},
): DeleteRangeRequest {
  const interval = toInterval(key, options);
  return options.prevKv === undefined ? interval : { ...interval, prevKv: options.prevKv };
}

export function txnRequest(transaction: Transaction): TxnRequest {
  const { compare, success, failure = [] } = transaction;
  return { compare, success, failure };
}
