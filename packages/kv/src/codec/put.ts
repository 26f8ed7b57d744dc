import type {
  DeleteRangeRequest,
  DeleteRangeResult,
  KeyValuePair,
  PutRequest,
  PutResult,
  ResponseHeader,
} from "../api/types.js";
import { EMPTY_HEADER, readHeader, readPair, writeHeader, writePair } from "./pair.js";
import type { WithHeader } from "./range.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

const NO_BYTES = new Uint8Array(0);
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function writePutRequest(writer: Writer, request: PutRequest): void {
  writer.bool(6, request.ignoreLease);
  writer.bool(5, request.ignoreValue);
  writer.bool(4, request.prevKv);
  if (request.lease !== undefined) writer.bigint(3, request.lease);
  writer.bytes(2, request.value);
  writer.bytes(1, request.key);
}

export function readPutRequest(reader: Reader): PutRequest {
  const request: Mutable<PutRequest> = { key: NO_BYTES, value: NO_BYTES };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        request.key = reader.bytes();
        break;
      case 2:
        request.value = reader.bytes();
        break;
      case 3:
        request.lease = reader.int64();
        break;
      case 4:
        request.prevKv = reader.bool();
        break;
      case 5:
        request.ignoreValue = reader.bool();
        break;
      case 6:
        request.ignoreLease = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return request;
}

export function writePutResponse(
  writer: Writer,
  header: ResponseHeader | null,
  result: PutResult,
): void {
  if (result.prevKv !== null) writePair(writer, 2, result.prevKv);
  if (header !== null) writeHeader(writer, 1, header);
}

export function readPutResponse(reader: Reader): WithHeader<PutResult> {
  let header = EMPTY_HEADER;
  let prevKv: KeyValuePair | null = null;
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) prevKv = readPair(reader);
    else reader.skip();
  }
  return { header, result: { prevKv } };
}

export function writeDeleteRequest(writer: Writer, request: DeleteRangeRequest): void {
  writer.bool(3, request.prevKv);
  writer.bytes(2, request.rangeEnd);
  writer.bytes(1, request.key);
}

export function readDeleteRequest(reader: Reader): DeleteRangeRequest {
  const request: Mutable<DeleteRangeRequest> = { key: NO_BYTES };
  while (reader.next()) {
    if (reader.field === 1) request.key = reader.bytes();
    else if (reader.field === 2) request.rangeEnd = reader.bytes();
    else if (reader.field === 3) request.prevKv = reader.bool();
    else reader.skip();
  }
  return request;
}

export function writeDeleteResponse(
  writer: Writer,
  header: ResponseHeader | null,
  result: DeleteRangeResult,
): void {
  for (let i = result.prevKvs.length - 1; i >= 0; i--) {
    writePair(writer, 3, result.prevKvs[i] as KeyValuePair);
  }
  writer.int(2, result.deleted);
  if (header !== null) writeHeader(writer, 1, header);
}

export function readDeleteResponse(reader: Reader): WithHeader<DeleteRangeResult> {
  let header = EMPTY_HEADER;
  let deleted = 0;
  const prevKvs: KeyValuePair[] = [];
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) deleted = reader.int();
    else if (reader.field === 3) prevKvs.push(readPair(reader));
    else reader.skip();
  }
  return { header, result: { deleted, prevKvs } };
}
