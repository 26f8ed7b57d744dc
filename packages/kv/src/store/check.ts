import { KvError } from "../api/errors.js";
import type {
  DeleteRangeRequest,
  PlainCommand,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../api/types.js";
import { isSingle, type Key, type KeyRange, toKey, toRange } from "./key-range.js";
import { RangeSet } from "./range-set.js";

/**
 * What is wrong with a request by itself, whatever the store holds. Servers call these before they
 * read or propose; `MvccStore` calls them again for what comes out of the log. All throw KvError.
 */

/** `empty-key`. */
export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw new KvError("empty-key");
}

/** `empty-key`, `value-provided`, `lease-provided`. */
export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw new KvError("empty-key");
  if (request.ignoreValue && request.value.length > 0) throw new KvError("value-provided");
  if (request.ignoreLease && (request.lease ?? 0n) !== 0n) throw new KvError("lease-provided");
}

/** `empty-key`. */
export function checkDelete(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw new KvError("empty-key");
}

/**
 * `too-many-ops` when the longest of compare, success and failure is over `maxOps`, nested
 * transactions having what is left; `duplicate-key` when a key would be put twice, or put and
 * deleted; and what the single requests can throw.
 */
export function checkTxn(request: TxnRequest, maxOps: number): void {
  checkOps(request, maxOps);
  checkOverlaps(request.success);
  checkOverlaps(request.failure);
}

/** The check for a command's type. */
export function checkCommand(command: PlainCommand, maxOps: number): void {
  if (command.type === "put") checkPut(command.request);
  else if (command.type === "delete") checkDelete(command.request);
  else if (command.type === "txn") checkTxn(command.request, maxOps);
}

function checkOps(request: TxnRequest, maxOps: number): void {
  const { compare, success, failure } = request;
  const ops = Math.max(compare.length, success.length, failure.length);
  if (ops > maxOps) throw new KvError("too-many-ops");
  for (const { key } of compare) if (key.length === 0) throw new KvError("empty-key");
  for (const op of success) checkOp(op, maxOps - ops);
  for (const op of failure) checkOp(op, maxOps - ops);
}

function checkOp(op: RequestOp, maxOps: number): void {
  if (op.type === "put") checkPut(op.request);
  else if (op.type === "range") checkRange(op.request);
  else if (op.type === "delete") checkDelete(op.request);
  else checkOps(op.request, maxOps);
}

interface Touched {
  readonly puts: Set<Key>;
  readonly deletes: RangeSet;
}

/**
 * etcd's order: deletes of this level, then nested transactions one after the other, then puts of this
 * level. The two branches of a nested transaction may overlap, for only one of them runs. A
 * key put by one nested transaction and deleted by a later one passes, as it does in etcd.
 */
function checkOverlaps(ops: readonly RequestOp[]): Touched {
  const puts = new Set<Key>();
  const deletes = new RangeSet();
  for (const op of ops) {
    if (op.type === "delete") deletes.add(claimed(op.request));
  }
  for (const op of ops) {
    if (op.type === "txn") checkNested(op.request, puts, deletes);
  }
  for (const op of ops) {
    if (op.type === "put") addPut(toKey(op.request.key), puts, deletes);
  }
  return { puts, deletes };
}

/**
 * The keys that a delete keeps from being put. etcd takes an end of one zero byte literally here, so
 * that a delete of everything from a key on claims nothing; so do we, for clients may rely on it.
 */
function claimed({ key, rangeEnd }: DeleteRangeRequest): KeyRange {
  if (rangeEnd === undefined || isSingle(rangeEnd)) return toRange(key, undefined);
  return { from: toKey(key), to: toKey(rangeEnd) };
}

function checkNested(request: TxnRequest, puts: Set<Key>, deletes: RangeSet): void {
  const success = checkOverlaps(request.success);
  const failure = checkOverlaps(request.failure);
  for (const key of success.puts) addPut(key, puts, deletes);
  for (const key of failure.puts) {
    if (!success.puts.has(key)) addPut(key, puts, deletes);
    else if (deletes.has(key)) throw new KvError("duplicate-key");
  }
  deletes.addAll(success.deletes);
  deletes.addAll(failure.deletes);
}

function addPut(key: Key, puts: Set<Key>, deletes: RangeSet): void {
  if (puts.has(key) || deletes.has(key)) throw new KvError("duplicate-key");
  puts.add(key);
}
