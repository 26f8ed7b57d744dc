import { crc32 } from "node:zlib";
import { rowOf } from "./key-index-node.js";
import type { Keyspace } from "./keyspace.js";
import { keptVersions } from "./snapshot-writer.js";

/**
 * CRC-32 over every version up to `revision` that compaction keeps, in order of key and revision.
 * It reads what is stored, not what should be, so it also finds bytes that went bad in memory; members
 * agree on it whatever their rows and however far their scrubbing came. About 0.5 s a million versions.
 */
export function hashVersions(keyspace: Keyspace, revision: number): number {
  const { table, compactRevision } = keyspace;
  const numbers = new Float64Array(3);
  const lease = new BigInt64Array(1);
  const sums = [new Uint8Array(numbers.buffer), new Uint8Array(lease.buffer)] as const;
  let hash = 0;
  keyspace.index.scan({ from: "", to: null }, (entry) => {
    for (const row of keptVersions(keyspace, rowOf(entry), { revision, compactRevision })) {
      numbers[0] = table.mod(row);
      numbers[1] = table.create(row);
      numbers[2] = table.version(row);
      lease[0] = table.lease(row);
      for (const bytes of sums) hash = crc32(bytes, hash);
      hash = crc32(table.keyAndValue(row), hash);
    }
    return true;
  });
  return hash;
}
