import type { Buffer } from "node:buffer";
import type { Bytes, ResponseHeader, WatchEvent } from "../api/types.js";
import { EMPTY_HEADER, readEvent, readHeader, writeEvent, writeHeader } from "./pair.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";
import { encode } from "./writer.js";

const NO_BYTES = new Uint8Array(0);
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface WatchCreateRequest {
  readonly key: Bytes;
  readonly rangeEnd?: Bytes;
  readonly startRevision: number;
  readonly progressNotify: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly prevKv: boolean;
  /** 0: the server chooses. */
  readonly watchId: number;
  readonly fragment: boolean;
}

export type WatchRequest =
  | { readonly type: "create"; readonly request: WatchCreateRequest }
  | { readonly type: "cancel"; readonly watchId: number }
  | { readonly type: "progress" }
  /** A request of a kind that is not known: ignored, as etcd does. */
  | { readonly type: "none" };

function writeCreate(writer: Writer, request: WatchCreateRequest): void {
  const mark = writer.mark;
  writer.bool(8, request.fragment);
  writer.int(7, request.watchId);
  writer.bool(6, request.prevKv);
  if (request.noPut || request.noDelete) {
    const filters = [...(request.noPut ? [0] : []), ...(request.noDelete ? [1] : [])];
    writer.bytes(5, Uint8Array.from(filters));
  }
  writer.bool(4, request.progressNotify);
  writer.int(3, request.startRevision);
  writer.bytes(2, request.rangeEnd);
  writer.bytes(1, request.key);
  writer.close(1, mark);
}

export function writeWatchRequest(writer: Writer, message: WatchRequest): void {
  const mark = writer.mark;
  if (message.type === "create") writeCreate(writer, message.request);
  else if (message.type === "cancel") {
    writer.int(1, message.watchId);
    writer.close(2, mark);
  } else if (message.type === "progress") writer.close(3, mark);
}

function readCreate(reader: Reader): WatchCreateRequest {
  const request: Mutable<WatchCreateRequest> = {
    key: NO_BYTES,
    startRevision: 0,
    progressNotify: false,
    noPut: false,
    noDelete: false,
    prevKv: false,
    watchId: 0,
    fragment: false,
  };
  const filters: number[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        request.key = reader.bytes();
        break;
      case 2:
        request.rangeEnd = reader.bytes();
        break;
      case 3:
        request.startRevision = reader.int();
        break;
      case 4:
        request.progressNotify = reader.bool();
        break;
      case 5:
        reader.enums(filters);
        break;
      case 6:
        request.prevKv = reader.bool();
        break;
      case 7:
        request.watchId = reader.int();
        break;
      case 8:
        request.fragment = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  request.noPut = filters.includes(0);
  request.noDelete = filters.includes(1);
  return request;
}

export function readWatchRequest(reader: Reader): WatchRequest {
  let message: WatchRequest = { type: "none" };
  while (reader.next()) {
    const field = reader.field;
    if (field < 1 || field > 3) {
      reader.skip();
      continue;
    }
    const outer = reader.enter();
    if (field === 1) message = { type: "create", request: readCreate(reader) };
    else if (field === 2) message = { type: "cancel", watchId: readWatchId(reader) };
    else {
      message = { type: "progress" };
      while (reader.next()) reader.skip();
    }
    reader.leave(outer);
  }
  return message;
}

function readWatchId(reader: Reader): number {
  let watchId = 0;
  while (reader.next()) {
    if (reader.field === 1) watchId = reader.int();
    else reader.skip();
  }
  return watchId;
}

/** A watch response but for its events, which are encoded apart and shared. */
export interface WatchResponseHead {
  readonly header: ResponseHeader;
  readonly watchId: number;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compactRevision?: number;
  readonly cancelReason?: string;
  readonly fragment?: boolean;
}

/** Events as the fields of a response that they will be: made once for all watchers that get the same. */
export function encodeEvents(events: readonly WatchEvent[], withPrevKv: boolean): Buffer {
  return encode((writer: Writer) => {
    for (let i = events.length - 1; i >= 0; i--) {
      writeEvent(writer, 11, events[i] as WatchEvent, withPrevKv);
    }
  });
}

export function writeWatchResponse(
  writer: Writer,
  head: WatchResponseHead,
  events: Uint8Array = NO_BYTES,
): void {
  writer.raw(events);
  writer.bool(7, head.fragment);
  writer.string(6, head.cancelReason ?? "");
  writer.int(5, head.compactRevision ?? 0);
  writer.bool(4, head.canceled);
  writer.bool(3, head.created);
  writer.int(2, head.watchId);
  writeHeader(writer, 1, head.header);
}

export interface WatchResponse extends Required<WatchResponseHead> {
  readonly events: readonly WatchEvent[];
}

export function readWatchResponse(reader: Reader): WatchResponse {
  const events: WatchEvent[] = [];
  const response: Mutable<WatchResponse> = {
    header: EMPTY_HEADER,
    watchId: 0,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: "",
    fragment: false,
    events,
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        response.header = readHeader(reader);
        break;
      case 2:
        response.watchId = reader.int();
        break;
      case 3:
        response.created = reader.bool();
        break;
      case 4:
        response.canceled = reader.bool();
        break;
      case 5:
        response.compactRevision = reader.int();
        break;
      case 6:
        response.cancelReason = reader.string();
        break;
      case 7:
        response.fragment = reader.bool();
        break;
      case 11:
        events.push(readEvent(reader));
        break;
      default:
        reader.skip();
    }
  }
  return response;
}
