import { KvError } from "../api/errors.js";
import type {
  DeleteRangeRequest,
  DeleteRangeResult,
  PutRequest,
  PutResult,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResult,
} from "../api/types.js";
import { holds } from "./compare.js";
import { isSingle, type Key, toKey, toRange } from "./key-range.js";
import type { Keyspace } from "./keyspace.js";
import { evaluateRange, readRevision } from "./range.js";
import { NO_ROW } from "./version-table.js";

/**
 * The writes of one command, in two steps: `check…` throws KvError and changes nothing, the step after
 * it cannot fail. The caller commits.
 */

/** `lease-not-found`; `key-not-found` when the value or lease of a key that is not there is to stay. */
export function checkPutAgainst(keyspace: Keyspace, request: PutRequest): void {
  const lease = request.lease ?? 0n;
  if (lease !== 0n && !keyspace.leases.has(lease)) throw new KvError("lease-not-found");
  if (!request.ignoreValue && !request.ignoreLease) return;
  if (keyspace.newest(toKey(request.key)) === NO_ROW) throw new KvError("key-not-found");
}

export function applyPut(keyspace: Keyspace, request: PutRequest): PutResult {
  const { table } = keyspace;
  const key = toKey(request.key);
  const needsPrevious = request.prevKv || request.ignoreValue || request.ignoreLease;
  const previous = needsPrevious ? keyspace.newest(key) : NO_ROW;
  const prevKv = request.prevKv && previous !== NO_ROW ? table.pair(previous) : null;
  // Gone all the same when the transaction itself deleted it before (etcd panics on that): then there
  // is nothing to keep.
  const isKept = previous !== NO_ROW;
  const value = request.ignoreValue && isKept ? table.value(previous) : request.value;
  const lease = request.ignoreLease && isKept ? table.lease(previous) : (request.lease ?? 0n);
  keyspace.put(key, request.key, value, lease);
  return { prevKv };
}

export function applyDelete(keyspace: Keyspace, request: DeleteRangeRequest): DeleteRangeResult {
  const keys = keysToDelete(keyspace, request);
  const { table } = keyspace;
  const prevKvs = request.prevKv ? keys.map((key) => table.pair(keyspace.newest(key))) : [];
  for (const key of keys) keyspace.remove(key);
  return { deleted: keys.length, prevKvs };
}

/** A transaction whose conditions have been decided: only what will run. */
export interface Decided {
  readonly succeeded: boolean;
  readonly ops: readonly DecidedOp[];
}

type DecidedOp = Exclude<RequestOp, { type: "txn" }> | { type: "txn"; decided: Decided };

/** Decides all conditions, nested ones too, by the state before the transaction, as etcd does. */
export function decide(keyspace: Keyspace, request: TxnRequest): Decided {
  const succeeded = request.compare.every((compare) => holds(keyspace, compare));
  const ops = (succeeded ? request.success : request.failure).map((op): DecidedOp => {
    return op.type === "txn" ? { type: "txn", decided: decide(keyspace, op.request) } : op;
  });
  return { succeeded, ops };
}

/** Everything that a put or range of the branch could fail of. */
export function checkDecided(keyspace: Keyspace, { ops }: Decided): void {
  for (const op of ops) {
    if (op.type === "put") checkPutAgainst(keyspace, op.request);
    else if (op.type === "range") checkRevision(keyspace, op.request.revision ?? 0);
    else if (op.type === "txn") checkDecided(keyspace, op.decided);
  }
}

/** Within transactions, unlike elsewhere, etcd takes a negative revision for one long compacted. */
function checkRevision(keyspace: Keyspace, revision: number): void {
  const first = keyspace.compactRevision || -1;
  if (revision < 0 && revision < first) throw new KvError("compacted");
  readRevision(keyspace, revision);
}

/** Runs the branch; a range sees what came before it in the transaction. */
export function applyDecided(keyspace: Keyspace, { succeeded, ops }: Decided): TxnResult {
  return { succeeded, responses: ops.map((op) => applyOp(keyspace, op)) };
}

function applyOp(keyspace: Keyspace, op: DecidedOp): ResponseOp {
  switch (op.type) {
    case "range":
      return { type: "range", result: evaluateRange(keyspace, op.request) };
    case "put":
      return { type: "put", result: applyPut(keyspace, op.request) };
    case "delete":
      return { type: "delete", result: applyDelete(keyspace, op.request) };
    case "txn":
      return { type: "txn", result: applyDecided(keyspace, op.decided) };
  }
}

function keysToDelete(keyspace: Keyspace, request: DeleteRangeRequest): readonly Key[] {
  if (!isSingle(request.rangeEnd)) {
    return keyspace.liveKeys(toRange(request.key, request.rangeEnd));
  }
  const key = toKey(request.key);
  return keyspace.newest(key) === NO_ROW ? [] : [key];
}
