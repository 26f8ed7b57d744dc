import { KvError } from "../api/errors.js";
import type {
  KeyValuePair,
  RangeRequest,
  RangeResult,
  ResponseHeader,
  SortOrder,
  SortTarget,
} from "../api/types.js";
import { EMPTY_HEADER, readHeader, readPair, writeHeader, writePair } from "./pair.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

const ORDERS: readonly SortOrder[] = ["none", "ascend", "descend"];
const TARGETS: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
const NO_BYTES = new Uint8Array(0);

export function writeRangeRequest(writer: Writer, request: RangeRequest): void {
  writer.int(13, request.maxCreateRevision ?? 0);
  writer.int(12, request.minCreateRevision ?? 0);
  writer.int(11, request.maxModRevision ?? 0);
  writer.int(10, request.minModRevision ?? 0);
  writer.bool(9, request.countOnly);
  writer.bool(8, request.keysOnly);
  writer.bool(7, request.serializable);
  if (request.sortTarget !== undefined) writer.int(6, TARGETS.indexOf(request.sortTarget));
  if (request.sortOrder !== undefined) writer.int(5, ORDERS.indexOf(request.sortOrder));
  writer.int(4, request.revision ?? 0);
  writer.int(3, request.limit ?? 0);
  writer.bytes(2, request.rangeEnd);
  writer.bytes(1, request.key);
}

function named<T>(names: readonly T[], value: number): T {
  const name = names[value];
  if (name === undefined) throw new KvError("invalid-sort-option");
  return name;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads until the end of the current message. Unknown sort options throw etcd's error. */
export function readRangeRequest(reader: Reader): RangeRequest {
  const request: Mutable<RangeRequest> = { key: NO_BYTES };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        request.key = reader.bytes();
        break;
      case 2:
        request.rangeEnd = reader.bytes();
        break;
      case 3:
        request.limit = reader.int();
        break;
      case 4:
        request.revision = reader.int();
        break;
      case 5:
        request.sortOrder = named(ORDERS, reader.enum());
        break;
      case 6:
        request.sortTarget = named(TARGETS, reader.enum());
        break;
      case 7:
        request.serializable = reader.bool();
        break;
      case 8:
        request.keysOnly = reader.bool();
        break;
      case 9:
        request.countOnly = reader.bool();
        break;
      case 10:
        request.minModRevision = reader.int();
        break;
      case 11:
        request.maxModRevision = reader.int();
        break;
      case 12:
        request.minCreateRevision = reader.int();
        break;
      case 13:
        request.maxCreateRevision = reader.int();
        break;
      default:
        reader.skip();
    }
  }
  return request;
}

/** `header` is null inside a transaction's response of a server that leaves it out there. */
export function writeRangeResponse(
  writer: Writer,
  header: ResponseHeader | null,
  result: RangeResult,
): void {
  writer.int(4, result.count);
  writer.bool(3, result.more);
  for (let i = result.kvs.length - 1; i >= 0; i--) {
    writePair(writer, 2, result.kvs[i] as KeyValuePair);
  }
  if (header !== null) writeHeader(writer, 1, header);
}

export interface WithHeader<T> {
  readonly header: ResponseHeader;
  readonly result: T;
}

export function readRangeResponse(reader: Reader): WithHeader<RangeResult> {
  let header = EMPTY_HEADER;
  const kvs: KeyValuePair[] = [];
  let more = false;
  let count = 0;
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) kvs.push(readPair(reader));
    else if (reader.field === 3) more = reader.bool();
    else if (reader.field === 4) count = reader.int();
    else reader.skip();
  }
  return { header, result: { kvs, more, count } };
}
