import type { LeaseId } from "../api/types.js";
import { rowOf } from "./key-index-node.js";
import type { KeyRange } from "./key-range.js";
import type { Keyspace } from "./keyspace.js";
import {
  FORMAT_VERSION,
  FRAME,
  FRAME_TARGET_BYTES,
  FrameWriter,
  LEASE_BYTES,
  MAGIC,
  VERSION_HEAD,
} from "./snapshot-format.js";
import { NO_ROW, type Row } from "./version-table.js";

/** Entries of the index looked at for one chunk, so that deleted keys cannot make it long. */
const KEYS_PER_CHUNK = 2000;

/** The moment a snapshot shows. */
export interface SnapshotMoment {
  readonly revision: number;
  readonly compactRevision: number;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly leases: readonly { readonly id: LeaseId; readonly ttl: number }[];
  /** Users and roles, record by record; empty when there never were any. */
  readonly auth: readonly Uint8Array[];
}

/**
 * The state of `moment`, chunk by chunk. Versions do not change and newer ones are left out, so
 * writes may go on between chunks; what must not happen is that a version is freed: the caller holds
 * scrubbing back meanwhile.
 */
export function* writeSnapshot(
  keyspace: Keyspace,
  moment: SnapshotMoment,
): Generator<Uint8Array, void, undefined> {
  const writer = new FrameWriter();
  yield writer.frame(FRAME.header, headerPayload(moment));
  for (const payload of leasePayloads(moment)) yield writer.frame(FRAME.leases, payload);
  for (const payload of authPayloads(moment)) yield writer.frame(FRAME.auth, payload);
  let versions = 0;
  for (const { count, payload } of versionPayloads(keyspace, moment)) {
    versions += count;
    yield writer.frame(FRAME.versions, payload);
  }
  yield writer.frame(FRAME.end, endPayload(moment.leases.length, versions, writer.sum));
}

/** All versions that a moment keeps, in the snapshot's format, about 64 KiB at a time. */
export function* versionPayloads(
  keyspace: Keyspace,
  moment: Pick<SnapshotMoment, "revision" | "compactRevision">,
): Generator<{ readonly count: number; readonly payload: Uint8Array }, void, undefined> {
  let from: string | undefined = "";
  while (from !== undefined) {
    const { rows, bytes, next } = collectChunk(keyspace, moment, { from, to: null });
    yield { count: rows.length, payload: versionsPayload(keyspace, rows, bytes) };
    from = next;
  }
}

/** The versions of a key that the moment keeps, oldest first. */
function keptVersions(
  keyspace: Keyspace,
  newest: Row,
  moment: Pick<SnapshotMoment, "revision" | "compactRevision">,
): Row[] {
  const { table } = keyspace;
  const rows: Row[] = [];
  let row = newest;
  while (row !== NO_ROW && table.mod(row) > moment.revision) row = table.previous(row);
  while (row !== NO_ROW && table.mod(row) >= moment.compactRevision) {
    rows.push(row);
    row = table.previous(row);
  }
  // What a reader at the compacted revision sees, unless it was written at that very revision.
  const oldest = rows.at(-1);
  const isHidden = oldest !== undefined && table.mod(oldest) === moment.compactRevision;
  if (row !== NO_ROW && !isHidden && !table.isTombstone(row)) rows.push(row);
  return rows.reverse();
}

interface Chunk {
  readonly rows: Row[];
  readonly bytes: number;
  /** Where the next chunk starts; undefined at the end. */
  readonly next: string | undefined;
}

function collectChunk(
  keyspace: Keyspace,
  moment: Pick<SnapshotMoment, "revision" | "compactRevision">,
  range: KeyRange,
): Chunk {
  const rows: Row[] = [];
  let bytes = 0;
  let keys = 0;
  let next: string | undefined;
  keyspace.index.scan(range, (entry, key) => {
    if (bytes >= FRAME_TARGET_BYTES || keys++ >= KEYS_PER_CHUNK) {
      next = key;
      return false;
    }
    for (const row of keptVersions(keyspace, rowOf(entry), moment)) {
      rows.push(row);
      bytes += VERSION_HEAD + keyspace.table.keyAndValue(row).length;
    }
    return true;
  });
  return { rows, bytes, next };
}

function headerPayload(moment: SnapshotMoment): Uint8Array {
  const payload = Buffer.alloc(MAGIC.length + 4 + 32);
  payload.set(MAGIC);
  const version = moment.auth.length > 0 ? FORMAT_VERSION.withAuth : FORMAT_VERSION.plain;
  let at = payload.writeUInt32LE(version, MAGIC.length);
  at = payload.writeDoubleLE(moment.revision, at);
  at = payload.writeDoubleLE(moment.compactRevision, at);
  at = payload.writeDoubleLE(moment.appliedIndex, at);
  payload.writeDoubleLE(moment.appliedTerm, at);
  return payload;
}

function* leasePayloads({ leases }: SnapshotMoment): Generator<Uint8Array, void, undefined> {
  const most = FRAME_TARGET_BYTES / LEASE_BYTES;
  for (let first = 0; first < leases.length; first += most) {
    const some = leases.slice(first, first + most);
    const payload = Buffer.alloc(some.length * LEASE_BYTES);
    let at = 0;
    for (const { id, ttl } of some) {
      at = payload.writeBigInt64LE(id, at);
      at = payload.writeDoubleLE(ttl, at);
    }
    yield payload;
  }
}

/** Records side by side, each after its length, in frames of about the usual size. */
function* authPayloads({ auth }: SnapshotMoment): Generator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const record of auth) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(record.length);
    parts.push(length, record);
    bytes += 4 + record.length;
    if (bytes < FRAME_TARGET_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

/** DataView, for Buffer's own `writeDoubleLE` and `writeBigInt64LE` take several times as long. */
function versionsPayload({ table }: Keyspace, rows: readonly Row[], bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  const view = new DataView(payload.buffer);
  let at = 0;
  for (const row of rows) {
    const content = table.keyAndValue(row);
    const keyLength = table.keyLength(row);
    view.setUint32(at, keyLength, true);
    view.setUint32(at + 4, content.length - keyLength, true);
    view.setUint32(at + 8, table.sub(row), true);
    view.setFloat64(at + 12, table.mod(row), true);
    view.setFloat64(at + 20, table.create(row), true);
    view.setFloat64(at + 28, table.version(row), true);
    view.setBigInt64(at + 36, table.lease(row), true);
    payload.set(content, at + VERSION_HEAD);
    at += VERSION_HEAD + content.length;
  }
  return payload;
}

function endPayload(leases: number, versions: number, sum: number): Uint8Array {
  const payload = Buffer.alloc(20);
  payload.writeDoubleLE(leases, 0);
  payload.writeDoubleLE(versions, 8);
  payload.writeUInt32LE(sum, 16);
  return payload;
}
