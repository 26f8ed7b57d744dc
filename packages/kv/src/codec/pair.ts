import type { KeyValuePair, ResponseHeader, WatchEvent } from "../api/types.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

const NO_BYTES = new Uint8Array(0);

export function writeHeader(writer: Writer, field: number, header: ResponseHeader): void {
  const mark = writer.mark;
  writer.int(4, header.raftTerm);
  writer.int(3, header.revision);
  writer.bigint(2, header.memberId);
  writer.bigint(1, header.clusterId);
  writer.close(field, mark);
}

export const EMPTY_HEADER: ResponseHeader = {
  clusterId: 0n,
  memberId: 0n,
  revision: 0,
  raftTerm: 0,
};

/** Reads a header that is nested in the current message. */
export function readHeader(reader: Reader): ResponseHeader {
  let { clusterId, memberId, revision, raftTerm } = EMPTY_HEADER;
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) clusterId = reader.uint64();
    else if (reader.field === 2) memberId = reader.uint64();
    else if (reader.field === 3) revision = reader.int();
    else if (reader.field === 4) raftTerm = reader.uint();
    else reader.skip();
  }
  reader.leave(outer);
  return { clusterId, memberId, revision, raftTerm };
}

export function writePair(writer: Writer, field: number, kv: KeyValuePair): void {
  const mark = writer.mark;
  if (kv.lease !== 0n) writer.bigint(6, kv.lease);
  writer.bytes(5, kv.value);
  writer.int(4, kv.version);
  writer.int(3, kv.modRevision);
  writer.int(2, kv.createRevision);
  writer.bytes(1, kv.key);
  writer.close(field, mark);
}

export function readPair(reader: Reader): KeyValuePair {
  let key = NO_BYTES;
  let value = NO_BYTES;
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let lease = 0n;
  const outer = reader.enter();
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        key = reader.bytes() as Uint8Array<ArrayBuffer>;
        break;
      case 2:
        createRevision = reader.int();
        break;
      case 3:
        modRevision = reader.int();
        break;
      case 4:
        version = reader.int();
        break;
      case 5:
        value = reader.bytes() as Uint8Array<ArrayBuffer>;
        break;
      case 6:
        lease = reader.int64();
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
  return { key, value, createRevision, modRevision, version, lease };
}

export function writeEvent(
  writer: Writer,
  field: number,
  event: WatchEvent,
  withPrevKv: boolean,
): void {
  const mark = writer.mark;
  if (withPrevKv && event.prevKv !== null) writePair(writer, 3, event.prevKv);
  writePair(writer, 2, event.kv);
  if (event.type === "delete") writer.int(1, 1);
  writer.close(field, mark);
}

export function readEvent(reader: Reader): WatchEvent {
  let type: WatchEvent["type"] = "put";
  let kv: KeyValuePair | null = null;
  let prevKv: KeyValuePair | null = null;
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) type = reader.enum() === 1 ? "delete" : "put";
    else if (reader.field === 2) kv = readPair(reader);
    else if (reader.field === 3) prevKv = readPair(reader);
    else reader.skip();
  }
  reader.leave(outer);
  return { type, kv: kv ?? EMPTY_PAIR, prevKv };
}

const EMPTY_PAIR: KeyValuePair = {
  key: NO_BYTES,
  value: NO_BYTES,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  lease: 0n,
};
