/**
 * Frames between the daemon and `helper/spawner.pl`: a big-endian u32 length, then a list of
 * strings, each a big-endian u32 length and its bytes. The messages are described in `helper/Conversation.pm`.
 */

/** The protocol's version; the helper names its own in `ready`. */
export const PROTOCOL_VERSION = 2;

/** A frame longer than this is refused by either side: argv and environment have 2 MiB at most. */
export const FRAME_BYTES_MAX: number = 8 << 20;

/** Encodes one message. */
export function encodeFrame(fields: readonly string[]): Buffer {
  let size = 4;
  for (const field of fields) size += 4 + Buffer.byteLength(field);
  const frame = Buffer.allocUnsafe(size);
  let at = frame.writeUInt32BE(size - 4, 0);
  for (const field of fields) {
    const written = frame.write(field, at + 4);
    frame.writeUInt32BE(written, at);
    at += 4 + written;
  }
  return frame;
}

/** Splits a stream into messages; keeps what is incomplete for the next call. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;

  /** Every message completed by `chunk`. Throws RangeError on a frame over the limit. */
  push(chunk: Buffer): Buffer[][] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < 4) return [];
    const messages: Buffer[][] = [];
    const buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    while (buffer.length - at >= 4) {
      const length = buffer.readUInt32BE(at);
      if (length > FRAME_BYTES_MAX) throw new RangeError(`frame of ${length} bytes`);
      if (buffer.length - at - 4 < length) break;
      messages.push(splitFields(buffer.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    const rest = buffer.subarray(at);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#buffered = rest.length;
    return messages;
  }
}

function splitFields(body: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at + 4 <= body.length; ) {
    const length = body.readUInt32BE(at);
    fields.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}
