import { KvError } from "../api/errors.js";
import type {
  Compare,
  CompareResult,
  RequestOp,
  ResponseHeader,
  ResponseOp,
  TxnRequest,
  TxnResult,
} from "../api/types.js";
import { EMPTY_HEADER, readHeader, writeHeader } from "./pair.js";
import {
  readDeleteRequest,
  readDeleteResponse,
  readPutRequest,
  readPutResponse,
  writeDeleteRequest,
  writeDeleteResponse,
  writePutRequest,
  writePutResponse,
} from "./put.js";
import type { WithHeader } from "./range.js";
import {
  readRangeRequest,
  readRangeResponse,
  writeRangeRequest,
  writeRangeResponse,
} from "./range.js";
import type { Reader } from "./reader.js";
import { malformed } from "./reader.js";
import type { Writer } from "./writer.js";

const RESULTS: readonly CompareResult[] = ["equal", "greater", "less", "not-equal"];
const TARGETS = ["version", "create", "mod", "value", "lease"] as const;
const NO_BYTES = new Uint8Array(0);

function writeCompare(writer: Writer, field: number, compare: Compare): void {
  const mark = writer.mark;
  writer.bytes(64, compare.rangeEnd);
  const target = TARGETS.indexOf(compare.target);
  if (compare.target === "value") writer.bytes(7, compare.value, true);
  else if (compare.target === "lease") writer.bigint(8, compare.lease);
  else writer.int(4 + target, compare.revision);
  writer.bytes(3, compare.key);
  writer.int(2, target);
  writer.int(1, RESULTS.indexOf(compare.result));
  writer.close(field, mark);
}

/**
 * The operand counts only when it is the target's own, else the target's zero value is compared:
 * that is what etcd does with an operand left out or of another kind.
 */
function readCompare(reader: Reader): Compare {
  let key: Uint8Array = NO_BYTES;
  let rangeEnd: Uint8Array | undefined;
  let resultNumber = 0;
  let targetNumber = 0;
  let operand = 0;
  let number = 0;
  let value: Uint8Array = NO_BYTES;
  let lease = 0n;
  const outer = reader.enter();
  while (reader.next()) {
    const field = reader.field;
    if (field === 1) resultNumber = reader.enum();
    else if (field === 2) targetNumber = reader.enum();
    else if (field === 3) key = reader.bytes();
    else if (field === 64) rangeEnd = reader.bytes();
    else if (field >= 4 && field <= 8) {
      operand = field;
      if (field === 7) value = reader.bytes();
      else if (field === 8) lease = reader.int64();
      else number = reader.int();
    } else reader.skip();
  }
  reader.leave(outer);
  const result = RESULTS[resultNumber];
  const target = TARGETS[targetNumber];
  if (result === undefined) throw malformed(`unknown compare result ${resultNumber}`);
  if (target === undefined) throw malformed(`unknown compare target ${targetNumber}`);
  const own = operand === 4 + targetNumber;
  const base = rangeEnd === undefined ? { key, result } : { key, result, rangeEnd };
  if (target === "value") return { ...base, target, value: own ? value : NO_BYTES };
  if (target === "lease") return { ...base, target, lease: own ? lease : 0n };
  return { ...base, target, revision: own ? number : 0 };
}

function writeRequestOp(writer: Writer, field: number, op: RequestOp): void {
  const mark = writer.mark;
  if (op.type === "range") {
    writeRangeRequest(writer, op.request);
    writer.close(1, mark);
  } else if (op.type === "put") {
    writePutRequest(writer, op.request);
    writer.close(2, mark);
  } else if (op.type === "delete") {
    writeDeleteRequest(writer, op.request);
    writer.close(3, mark);
  } else {
    writeTxnRequest(writer, op.request);
    writer.close(4, mark);
  }
  writer.close(field, mark);
}

function readRequestOp(reader: Reader): RequestOp {
  let op: RequestOp | undefined;
  const outer = reader.enter();
  while (reader.next()) {
    const field = reader.field;
    if (field < 1 || field > 4) {
      reader.skip();
      continue;
    }
    const inner = reader.enter();
    if (field === 1) op = { type: "range", request: readRangeRequest(reader) };
    else if (field === 2) op = { type: "put", request: readPutRequest(reader) };
    else if (field === 3) op = { type: "delete", request: readDeleteRequest(reader) };
    else op = { type: "txn", request: readTxnRequest(reader) };
    reader.leave(inner);
  }
  reader.leave(outer);
  // etcd's answer to an operation that is none.
  if (op === undefined) throw new KvError("key-not-found");
  return op;
}

export function writeTxnRequest(writer: Writer, request: TxnRequest): void {
  for (let i = request.failure.length - 1; i >= 0; i--) {
    writeRequestOp(writer, 3, request.failure[i] as RequestOp);
  }
  for (let i = request.success.length - 1; i >= 0; i--) {
    writeRequestOp(writer, 2, request.success[i] as RequestOp);
  }
  for (let i = request.compare.length - 1; i >= 0; i--) {
    writeCompare(writer, 1, request.compare[i] as Compare);
  }
}

export function readTxnRequest(reader: Reader): TxnRequest {
  const compare: Compare[] = [];
  const success: RequestOp[] = [];
  const failure: RequestOp[] = [];
  while (reader.next()) {
    if (reader.field === 1) compare.push(readCompare(reader));
    else if (reader.field === 2) success.push(readRequestOp(reader));
    else if (reader.field === 3) failure.push(readRequestOp(reader));
    else reader.skip();
  }
  return { compare, success, failure };
}

function writeResponseOp(
  writer: Writer,
  field: number,
  header: ResponseHeader | null,
  op: ResponseOp,
): void {
  const mark = writer.mark;
  if (op.type === "range") {
    writeRangeResponse(writer, header, op.result);
    writer.close(1, mark);
  } else if (op.type === "put") {
    writePutResponse(writer, header, op.result);
    writer.close(2, mark);
  } else if (op.type === "delete") {
    writeDeleteResponse(writer, header, op.result);
    writer.close(3, mark);
  } else {
    writeTxnResponse(writer, header, op.result);
    writer.close(4, mark);
  }
  writer.close(field, mark);
}

function readResponseOp(reader: Reader): ResponseOp {
  let op: ResponseOp | undefined;
  const outer = reader.enter();
  while (reader.next()) {
    const field = reader.field;
    if (field < 1 || field > 4) {
      reader.skip();
      continue;
    }
    const inner = reader.enter();
    if (field === 1) op = { type: "range", result: readRangeResponse(reader).result };
    else if (field === 2) op = { type: "put", result: readPutResponse(reader).result };
    else if (field === 3) op = { type: "delete", result: readDeleteResponse(reader).result };
    else op = { type: "txn", result: readTxnResponse(reader).result };
    reader.leave(inner);
  }
  reader.leave(outer);
  if (op === undefined) throw malformed("a transaction's response without a kind");
  return op;
}

/**
 * Inside, each operation's response carries a header too: etcd sends one with the revision alone
 * there.
 */
export function writeTxnResponse(
  writer: Writer,
  header: ResponseHeader | null,
  result: TxnResult,
): void {
  const inner = header === null ? null : { ...EMPTY_HEADER, revision: header.revision };
  for (let i = result.responses.length - 1; i >= 0; i--) {
    writeResponseOp(writer, 3, inner, result.responses[i] as ResponseOp);
  }
  writer.bool(2, result.succeeded);
  if (header !== null) writeHeader(writer, 1, header);
}

export function readTxnResponse(reader: Reader): WithHeader<TxnResult> {
  let header = EMPTY_HEADER;
  let succeeded = false;
  const responses: ResponseOp[] = [];
  while (reader.next()) {
    if (reader.field === 1) header = readHeader(reader);
    else if (reader.field === 2) succeeded = reader.bool();
    else if (reader.field === 3) responses.push(readResponseOp(reader));
    else reader.skip();
  }
  return { header, result: { succeeded, responses } };
}
