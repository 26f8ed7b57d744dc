import type { ResponseHeader } from "../api/types.js";
import { writeHeader } from "./pair.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

export interface CompactionRequest {
  readonly revision: number;
  /** Answer only once the history is gone. */
  readonly physical: boolean;
}

export function writeCompactionRequest(writer: Writer, request: CompactionRequest): void {
  writer.bool(2, request.physical);
  writer.int(1, request.revision);
}

export function readCompactionRequest(reader: Reader): CompactionRequest {
  let revision = 0;
  let physical = false;
  while (reader.next()) {
    if (reader.field === 1) revision = reader.int();
    else if (reader.field === 2) physical = reader.bool();
    else reader.skip();
  }
  return { revision, physical };
}

/** A response that is nothing but its header: of a compaction, a lease's end, a defragmentation. */
export function writeHeaderOnly(writer: Writer, header: ResponseHeader): void {
  writeHeader(writer, 1, header);
}
