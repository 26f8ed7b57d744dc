import type { Compare, CompareResult } from "../api/types.js";
import { isLive } from "./key-index-node.js";
import { isSingle, toKey, toRange } from "./key-range.js";
import type { Keyspace } from "./keyspace.js";
import { NO_ROW, type Row } from "./version-table.js";

/**
 * A condition of a transaction: it must hold for every live key it names. A key that does not exist
 * has version, revisions and lease 0 and no value that anything could be compared with.
 */
export function holds(keyspace: Keyspace, compare: Compare): boolean {
  if (isSingle(compare.rangeEnd)) {
    return holdsFor(keyspace, compare, keyspace.newest(toKey(compare.key)));
  }
  let isEmpty = true;
  let holdsForAll = true;
  keyspace.index.scan(toRange(compare.key, compare.rangeEnd), (entry) => {
    if (!isLive(entry)) return true;
    isEmpty = false;
    holdsForAll = holdsFor(keyspace, compare, entry);
    return holdsForAll;
  });
  return isEmpty ? holdsFor(keyspace, compare, NO_ROW) : holdsForAll;
}

function holdsFor(keyspace: Keyspace, compare: Compare, row: Row): boolean {
  const { table } = keyspace;
  const exists = row !== NO_ROW;
  switch (compare.target) {
    case "version":
      return is(compare.result, (exists ? table.version(row) : 0) - compare.revision);
    case "create":
      return is(compare.result, (exists ? table.create(row) : 0) - compare.revision);
    case "mod":
      return is(compare.result, (exists ? table.mod(row) : 0) - compare.revision);
    case "lease":
      return is(compare.result, sign((exists ? table.lease(row) : 0n) - compare.lease));
    case "value":
      return exists && is(compare.result, Buffer.compare(table.value(row), compare.value));
  }
}

function is(result: CompareResult, order: number): boolean {
  switch (result) {
    case "equal":
      return order === 0;
    case "not-equal":
      return order !== 0;
    case "greater":
      return order > 0;
    case "less":
      return order < 0;
  }
}

function sign(value: bigint): number {
  return value === 0n ? 0 : value > 0n ? 1 : -1;
}
