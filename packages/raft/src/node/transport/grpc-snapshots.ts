import { once } from "node:events";
import { Client, type ClientWritableStream, type ServerReadableStream } from "@grpc/grpc-js";
import { type Message, MessageType } from "../../index.js";
import { crc32c } from "../wal/crc32c.js";
import { asArray, asBytes, asNumber, fromCbor, toCborSlice } from "./cbor.js";
import type { LaneOptions } from "./grpc-lane.js";
import { asIs, channelCredentials, checkHello, hello, METHODS } from "./grpc-service.js";
import { decodeEnvelope, decodeHello, encodeEnvelope, encodeHello } from "./wire.js";

/** Bytes of the file in one message. */
const CHUNK = 256 * 1024;
/** Without progress for so long the sending is given up. */
const STALL_MS = 30_000;

/*
 * One call: hello, the envelope with the Snap message, then `[offset, CRC32C, bytes]` for each
 * chunk of the snapshot file, in order, and last `[length, 0, empty]`.
 */

/** Sends a snapshot's file and then its message; rejects when the peer did not take it. */
export async function sendSnapshot(
  options: LaneOptions,
  message: Message,
  file: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { address, tls, channel, clusterId, group, id: from, peer: to } = options;
  const client = new Client(address, channelCredentials(tls), channel);
  try {
    await new Promise<void>((resolve, reject) => {
      const call = client.makeClientStreamRequest<Buffer, Buffer>(
        METHODS.snapshot,
        asIs,
        asIs,
        (error) => (error ? reject(error) : resolve()),
      );
      signal.addEventListener("abort", () => call.cancel(), { once: true });
      call.write(encodeHello(hello(clusterId, from, to)));
      call.write(encodeEnvelope({ clusterId, group, from, to, messages: [message] }));
      pump(call, file).catch((error: unknown) => {
        call.cancel();
        reject(error);
      });
    });
  } finally {
    client.close();
  }
}

async function pump(
  call: ClientWritableStream<Buffer>,
  file: AsyncIterable<Uint8Array>,
): Promise<void> {
  let offset = 0;
  for await (const piece of file) {
    for (let at = 0; at < piece.length; at += CHUNK) {
      const bytes = piece.subarray(at, at + CHUNK);
      const room = call.write(toCborSlice([offset, crc32c(bytes), bytes]));
      offset += bytes.length;
      if (!room) await once(call, "drain", { signal: AbortSignal.timeout(STALL_MS) });
    }
  }
  call.write(toCborSlice([offset, 0, new Uint8Array(0)]));
  call.end();
}

/** Takes a snapshot apart as it comes in; `store` gets its file. Resolves with its message. */
export async function receiveSnapshot(
  call: ServerReadableStream<Buffer, Buffer>,
  ours: { clusterId: string; group: number; id: number },
  store: (index: number, term: number, chunks: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Message> {
  const source: AsyncIterator<Buffer> = call[Symbol.asyncIterator]();
  const next = async (what: string): Promise<Buffer> => {
    const { value, done } = await source.next();
    if (done) throw new TypeError(`the stream ended before ${what}`);
    return value;
  };
  checkHello(decodeHello(await next("the hello")), ours);
  const { messages, group } = decodeEnvelope(Uint8Array.from(await next("the message")));
  const message = messages[0];
  if (group !== ours.group || message?.type !== MessageType.Snap || !message.snapshot) {
    throw new TypeError("expected a snapshot's message");
  }
  const { index, term } = message.snapshot.metadata;
  await store(index, term, chunks(next));
  return message;
}

async function* chunks(next: (what: string) => Promise<Buffer>): AsyncGenerator<Uint8Array> {
  let expected = 0;
  for (;;) {
    const fields = asArray(fromCbor(await next("the end of the file")), 3, "snapshot chunk");
    const offset = asNumber(fields[0], "offset");
    const bytes = asBytes(fields[2], "bytes");
    if (offset !== expected) throw new TypeError(`offset ${offset} where ${expected} was due`);
    if (bytes.length === 0) return;
    if (asNumber(fields[1], "checksum") !== crc32c(bytes)) {
      throw new TypeError(`the chunk at offset ${offset} was damaged on its way`);
    }
    expected += bytes.length;
    yield bytes;
  }
}
