import type { Bytes, LeaseId, ResponseHeader } from "../api/types.js";
import { EMPTY_HEADER, readHeader, writeHeader } from "./pair.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

export interface LeaseGrantRequest {
  readonly ttl: number;
  /** 0n: the server chooses. */
  readonly id: LeaseId;
}

export function writeLeaseGrantRequest(writer: Writer, request: LeaseGrantRequest): void {
  writer.bigint(2, request.id);
  writer.int(1, request.ttl);
}

export function readLeaseGrantRequest(reader: Reader): LeaseGrantRequest {
  let ttl = 0;
  let id = 0n;
  while (reader.next()) {
    if (reader.field === 1) ttl = reader.int();
    else if (reader.field === 2) id = reader.int64();
    else reader.skip();
  }
  return { ttl, id };
}

/** The answer of a grant and of a keep-alive: the same fields. */
export interface LeaseTtlResponse {
  readonly header: ResponseHeader;
  readonly id: LeaseId;
  readonly ttl: number;
}

export function writeLeaseTtlResponse(writer: Writer, response: LeaseTtlResponse): void {
  writer.int(3, response.ttl);
  writer.bigint(2, response.id);
  writeHeader(writer, 1, response.header);
}

export function readLeaseTtlResponse(reader: Reader): LeaseTtlResponse {
  let header = EMPTY_HEADER;
  let id = 0n;
  let ttl = 0;
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) id = reader.int64();
    else if (reader.field === 3) ttl = reader.int();
    else reader.skip();
  }
  return { header, id, ttl };
}

/** A request that is nothing but a lease's ID in field 1: revoke and keep-alive. */
export function writeLeaseId(writer: Writer, id: LeaseId): void {
  writer.bigint(1, id);
}

export function readLeaseId(reader: Reader): LeaseId {
  let id = 0n;
  while (reader.next()) {
    if (reader.field === 1) id = reader.int64();
    else reader.skip();
  }
  return id;
}

export interface TimeToLiveRequest {
  readonly id: LeaseId;
  readonly keys: boolean;
}

export function writeTimeToLiveRequest(writer: Writer, request: TimeToLiveRequest): void {
  writer.bool(2, request.keys);
  writer.bigint(1, request.id);
}

export function readTimeToLiveRequest(reader: Reader): TimeToLiveRequest {
  let id = 0n;
  let keys = false;
  while (reader.next()) {
    if (reader.field === 1) id = reader.int64();
    else if (reader.field === 2) keys = reader.bool();
    else reader.skip();
  }
  return { id, keys };
}

export interface TimeToLiveResponse {
  readonly header: ResponseHeader;
  readonly id: LeaseId;
  /** Seconds left; −1 when the lease is gone. */
  readonly ttl: number;
  readonly grantedTtl: number;
  readonly keys: readonly Bytes[];
}

export function writeTimeToLiveResponse(writer: Writer, response: TimeToLiveResponse): void {
  for (let i = response.keys.length - 1; i >= 0; i--) writer.bytes(5, response.keys[i], true);
  writer.int(4, response.grantedTtl);
  writer.int(3, response.ttl);
  writer.bigint(2, response.id);
  writeHeader(writer, 1, response.header);
}

export function readTimeToLiveResponse(reader: Reader): TimeToLiveResponse {
  let header = EMPTY_HEADER;
  let id = 0n;
  let ttl = 0;
  let grantedTtl = 0;
  const keys: Bytes[] = [];
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) id = reader.int64();
    else if (reader.field === 3) ttl = reader.int();
    else if (reader.field === 4) grantedTtl = reader.int();
    else if (reader.field === 5) keys.push(reader.bytes());
    else reader.skip();
  }
  return { header, id, ttl, grantedTtl, keys };
}

export function writeLeasesResponse(
  writer: Writer,
  header: ResponseHeader,
  ids: readonly LeaseId[],
): void {
  for (let i = ids.length - 1; i >= 0; i--) {
    const mark = writer.mark;
    writer.bigint(1, ids[i] as LeaseId);
    writer.close(2, mark);
  }
  writeHeader(writer, 1, header);
}

export function readLeasesResponse(reader: Reader): {
  readonly header: ResponseHeader;
  readonly ids: readonly LeaseId[];
} {
  let header = EMPTY_HEADER;
  const ids: LeaseId[] = [];
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) {
      const outer = reader.enter();
      ids.push(readLeaseId(reader));
      reader.leave(outer);
    } else reader.skip();
  }
  return { header, ids };
}
