import { crc32 } from "node:zlib";
import type { Keyspace } from "./keyspace.js";
import { versionPayloads } from "./snapshot-writer.js";

/**
 * CRC-32 over every version up to `revision` that compaction keeps, as a snapshot holds them. It reads
 * what is stored, not what should be, so it also finds bytes that went bad in memory; members
 * agree on it whatever their rows and however far their scrubbing came.
 */
export function hashVersions(keyspace: Keyspace, revision: number): number {
  const { compactRevision } = keyspace;
  let hash = 0;
  for (const { payload } of versionPayloads(keyspace, { revision, compactRevision })) {
    hash = crc32(payload, hash);
  }
  return hash;
}
