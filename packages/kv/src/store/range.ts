import { KvError } from "../api/errors.js";
import type { RangeRequest, RangeResult, SortTarget } from "../api/types.js";
import { isLive, rowOf } from "./key-index-node.js";
import { inRange, isSingle, type KeyRange, toKey, toRange } from "./key-range.js";
import type { Keyspace } from "./keyspace.js";
import { NO_ROW, type Row, type VersionTable } from "./version-table.js";

/**
 * Answers a range as etcd does. Unsorted and unfiltered it costs O(log n) and the keys returned,
 * whatever the interval holds; at an older revision also the changes since then, or the interval
 * if that is less. A sort or a filter looks at every key of the interval.
 *
 * Throws KvError `compacted` and `future-revision`.
 */
export function evaluateRange(keyspace: Keyspace, request: RangeRequest): RangeResult {
  const revision = readRevision(keyspace, request.revision ?? 0);
  if (isSingle(request.rangeEnd)) return readOne(keyspace, request, revision);
  const range = toRange(request.key, request.rangeEnd);
  const count = countAt(keyspace, range, revision);
  if (request.countOnly) return { kvs: [], more: false, count };

  const limit = request.limit ?? 0;
  const needsAll = (request.sortOrder ?? "none") !== "none" || hasFilter(request);
  // One more than asked tells whether there are more.
  const found = collect(keyspace, range, revision, needsAll || limit <= 0 ? Infinity : limit + 1);
  const wanted = arrange(keyspace.table, found, request);
  const more = limit > 0 && wanted.length > limit;
  if (more) wanted.length = limit;
  const kvs = wanted.map((row) => keyspace.table.pair(row, request.keysOnly));
  return { kvs, more, count };
}

/** The revision asked for, checked; 0 for the newest, what a transaction under way wrote included. */
export function readRevision(keyspace: Keyspace, asked: number): number {
  if (asked > keyspace.revision) throw new KvError("future-revision");
  if (asked <= 0) return 0;
  if (asked < keyspace.compactRevision) throw new KvError("compacted");
  return asked === keyspace.revision && !keyspace.isWriting ? 0 : asked;
}

function readOne(keyspace: Keyspace, request: RangeRequest, revision: number): RangeResult {
  const entry = keyspace.index.get(toKey(request.key));
  const row = entry === undefined ? NO_ROW : visible(keyspace, entry, revision);
  if (row === NO_ROW) return { kvs: [], more: false, count: 0 };
  if (request.countOnly) return { kvs: [], more: false, count: 1 };
  const kvs = filter(keyspace.table, [row], request);
  return {
    kvs: kvs.map((at) => keyspace.table.pair(at, request.keysOnly)),
    more: false,
    count: 1,
  };
}

/** The row of an index entry that a reader at `revision` sees. */
function visible(keyspace: Keyspace, entry: number, revision: number): Row {
  if (revision > 0) return keyspace.rowAt(rowOf(entry), revision);
  return isLive(entry) ? entry : NO_ROW;
}

function collect(keyspace: Keyspace, range: KeyRange, revision: number, most: number): Row[] {
  const rows: Row[] = [];
  keyspace.index.scan(range, (entry) => {
    const row = visible(keyspace, entry, revision);
    if (row !== NO_ROW) rows.push(row);
    return rows.length < most;
  });
  return rows;
}

function countAt(keyspace: Keyspace, range: KeyRange, revision: number): number {
  const { index, log } = keyspace;
  const now = index.countLive(range);
  if (revision === 0) return now;
  const since = log.find(revision + 1);
  // Going back through the changes costs as many steps as there were, counting as there are keys.
  if (log.end - since > index.size) return collect(keyspace, range, revision, Infinity).length;
  return now - bornSince(keyspace, range, since);
}

/** How many more keys live now than before place `since` of the log. */
function bornSince(keyspace: Keyspace, range: KeyRange, since: number): number {
  const { log, table } = keyspace;
  let born = 0;
  for (let place = since; place < log.end; place++) {
    const row = log.at(place);
    if (!inRange(range, table.key(row))) continue;
    const previous = table.previous(row);
    const existed = previous !== NO_ROW && !table.isTombstone(previous);
    born += Number(!table.isTombstone(row)) - Number(existed);
  }
  return born;
}

function hasFilter(request: RangeRequest): boolean {
  return Boolean(
    request.minModRevision ||
      request.maxModRevision ||
      request.minCreateRevision ||
      request.maxCreateRevision,
  );
}

function filter(table: VersionTable, rows: Row[], request: RangeRequest): Row[] {
  if (!hasFilter(request)) return rows;
  const minMod = request.minModRevision || 0;
  const maxMod = request.maxModRevision || Infinity;
  const minCreate = request.minCreateRevision || 0;
  const maxCreate = request.maxCreateRevision || Infinity;
  return rows.filter((row) => {
    const mod = table.mod(row);
    const create = table.create(row);
    return mod >= minMod && mod <= maxMod && create >= minCreate && create <= maxCreate;
  });
}

/** Filters and sorts; ties stay in order of key. */
function arrange(table: VersionTable, found: Row[], request: RangeRequest): Row[] {
  const rows = filter(table, found, request);
  const target = request.sortTarget ?? "key";
  const order = request.sortOrder ?? "none";
  if (target === "key") return order === "descend" ? rows.reverse() : rows;
  // A target without an order sorts upwards, but only what the limit let through: etcd's way.
  const compare = comparer(table, target);
  return rows.sort(order === "descend" ? (a, b) => compare(b, a) : compare);
}

function comparer(table: VersionTable, target: SortTarget): (a: Row, b: Row) => number {
  switch (target) {
    case "version":
      return (a, b) => table.version(a) - table.version(b);
    case "create":
      return (a, b) => table.create(a) - table.create(b);
    case "mod":
      return (a, b) => table.mod(a) - table.mod(b);
    case "value":
      return (a, b) => Buffer.compare(table.value(a), table.value(b));
    case "key":
      return (a, b) => (table.key(a) < table.key(b) ? -1 : 1);
  }
}
