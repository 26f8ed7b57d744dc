import { toKey } from "./key-range.js";
import { Keyspace } from "./keyspace.js";
import {
  corrupt,
  FORMAT_VERSION,
  FRAME,
  type Frame,
  LEASE_BYTES,
  MAGIC,
  readFrames,
  VERSION_HEAD,
} from "./snapshot-format.js";

/** A state read from a snapshot. */
export interface RestoredState {
  readonly keyspace: Keyspace;
  readonly auth: readonly Uint8Array[];
  readonly appliedIndex: number;
  readonly appliedTerm: number;
}

interface Header {
  readonly revision: number;
  readonly compactRevision: number;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
}

/** Reads a whole snapshot into a keyspace of its own. Throws KvError `corrupt`. */
export async function readSnapshot(chunks: AsyncIterable<Uint8Array>): Promise<RestoredState> {
  const keyspace = new Keyspace();
  const auth: Uint8Array[] = [];
  let header: Header | undefined;
  let isComplete = false;
  for await (const frame of readFrames(chunks)) {
    if (isComplete) throw corrupt("something follows its end");
    if (header === undefined) header = readHeader(frame);
    else if (frame.type === FRAME.leases) readLeases(keyspace, frame.payload);
    else if (frame.type === FRAME.versions) readVersions(keyspace, frame.payload);
    else if (frame.type === FRAME.auth) readAuth(auth, frame.payload);
    else if (frame.type === FRAME.end) isComplete = readEnd(keyspace, frame);
    else throw corrupt(`a frame has the unknown type ${frame.type}`);
  }
  if (header === undefined || !isComplete) throw corrupt("its end is missing");
  if (!keyspace.finishLoad(header.revision, header.compactRevision)) {
    throw corrupt("its history has gaps");
  }
  return { keyspace, auth, appliedIndex: header.appliedIndex, appliedTerm: header.appliedTerm };
}

function readHeader({ type, payload }: Frame): Header {
  const isOurs = type === FRAME.header && payload.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isOurs) throw corrupt("it is not a snapshot of this store");
  const version = payload.readUInt32LE(MAGIC.length);
  if (version < FORMAT_VERSION.plain || version > FORMAT_VERSION.withAuth)
    throw corrupt(`its format is version ${version}`);
  const at = MAGIC.length + 4;
  return {
    revision: payload.readDoubleLE(at),
    compactRevision: payload.readDoubleLE(at + 8),
    appliedIndex: payload.readDoubleLE(at + 16),
    appliedTerm: payload.readDoubleLE(at + 24),
  };
}

function readLeases(keyspace: Keyspace, payload: Buffer): void {
  for (let at = 0; at < payload.length; at += LEASE_BYTES) {
    keyspace.leases.grant(payload.readBigInt64LE(at), payload.readDoubleLE(at + 8));
  }
}

function readAuth(records: Uint8Array[], payload: Buffer): void {
  for (let at = 0; at < payload.length; ) {
    const end = at + 4 + (payload.length - at < 4 ? 0 : payload.readUInt32LE(at));
    if (end > payload.length) throw corrupt("a record of users and roles is cut off");
    records.push(payload.subarray(at + 4, end));
    at = end;
  }
}

function readVersions(keyspace: Keyspace, payload: Buffer): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  let at = 0;
  while (at < payload.length) {
    if (at + VERSION_HEAD > payload.length) throw corrupt("a version is cut off");
    const keyAt = at + VERSION_HEAD;
    const valueAt = keyAt + view.getUint32(at, true);
    const end = valueAt + view.getUint32(at + 4, true);
    if (end > payload.length) throw corrupt("a version is longer than its frame");
    const keyBytes = payload.subarray(keyAt, valueAt);
    keyspace.load({
      key: toKey(keyBytes),
      keyBytes,
      value: payload.subarray(valueAt, end),
      sub: view.getUint32(at + 8, true),
      mod: view.getFloat64(at + 12, true),
      create: view.getFloat64(at + 20, true),
      version: view.getFloat64(at + 28, true),
      lease: view.getBigInt64(at + 36, true),
    });
    at = end;
  }
}

function readEnd({ leases, table }: Keyspace, { payload, sumBefore }: Frame): boolean {
  if (payload.readUInt32LE(16) !== sumBefore) throw corrupt("frames are missing or out of order");
  const isWhole = payload.readDoubleLE(0) === leases.size && payload.readDoubleLE(8) === table.size;
  if (!isWhole) throw corrupt("the number of leases or versions does not match");
  return true;
}
