import type { Socket } from "node:net";

/** A message over TCP comes after its length in two bytes (RFC 1035, section 4.2.2). */
const LENGTH_BYTES = 2;
/** A client that reads nothing is dropped when so much waits for it. */
const UNSENT_BYTES_MAX = 256 * 1024;

/**
 * Answers the messages of one connection in order. What waits to be read is at most one message; an
 * unreadable message ends the connection, and so does a client that asks without reading.
 */
export function serveConnection(
  socket: Socket,
  idleMs: number,
  respond: (message: Buffer) => Buffer | undefined,
): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(idleMs, () => socket.destroy());
  // The peer is gone: there is nobody to tell.
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + pending.readUInt16BE(0);
      if (pending.length < end) return;
      const answer = respond(pending.subarray(LENGTH_BYTES, end));
      pending = pending.subarray(end);
      if (answer === undefined || socket.writableLength > UNSENT_BYTES_MAX) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    }
  });
}
