import { once } from "node:events";
import { type Client, type ClientDuplexStream, status } from "@grpc/grpc-js";
import type { Message, NodeId } from "../../index.js";
import { asIs, METHODS } from "./grpc-service.js";
import { type Agreement, decodeHello, encodeHello, Feature, has, helloOf } from "./handshake.js";
import { CHUNK, decodeWanted, encodeChunk } from "./snapshot-transfer.js";
import { encodeEnvelope } from "./wire.js";

/** Without progress for so long the sending is given up. */
const STALL_MS = 30_000;
/** A chunk that is damaged so often on its way is damaged by something that stays. */
const ATTEMPTS = 4;
const END: Uint8Array = new Uint8Array(0);

/** One snapshot for one peer. */
export interface SnapshotSending {
  readonly client: Client;
  readonly clusterId: string;
  readonly id: NodeId;
  readonly peer: NodeId;
  readonly agreement: Agreement;
  readonly group: number;
  readonly message: Message;
  /** The file's bytes from an offset on. */
  readonly open: (from: number) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Bytes of the file were handed to the network. */
  readonly onSent: (bytes: number) => void;
}

/** Sends a snapshot's file and its message; rejects when the peer did not take it. */
export async function sendSnapshot(sending: SnapshotSending): Promise<void> {
  const { client, clusterId, id: from, peer: to, group, message, agreement, signal } = sending;
  signal.throwIfAborted();
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(METHODS.snapshot, asIs, asIs);
  const cancel = (): void => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const answers = new Answers(call);
    call.write(encodeHello(helloOf(clusterId, from, to)));
    const envelope = { clusterId, group, from, to, messages: [message] };
    call.write(encodeEnvelope(envelope, agreement.version));
    if (has(agreement, Feature.SnapshotResume)) await sendWanted(call, answers, sending);
    else await sendAll(call, answers, sending);
    call.end();
    await answers.ended();
  } finally {
    signal.removeEventListener("abort", cancel);
    call.cancel();
  }
}

/** From where the receiver is, one chunk after the other. */
async function sendWanted(
  call: ClientDuplexStream<Buffer, Buffer>,
  answers: Answers,
  { open, onSent }: SnapshotSending,
): Promise<void> {
  decodeHello(await answers.next());
  let offset = decodeWanted(await answers.next());
  for await (const chunk of chunksOf(open(offset))) {
    const after = offset + chunk.length;
    for (let attempt = 1; offset < after; attempt++) {
      call.write(encodeChunk(offset, chunk));
      onSent(chunk.length);
      const wanted = decodeWanted(await answers.next());
      if (wanted === after) offset = after;
      else if (wanted !== offset || attempt === ATTEMPTS) {
        throw new Error(`the peer wants the file from ${wanted} on after ${offset} to ${after}`);
      }
    }
  }
  call.write(encodeChunk(offset, END));
}

/** From the start, as fast as the connection takes it. */
async function sendAll(
  call: ClientDuplexStream<Buffer, Buffer>,
  answers: Answers,
  { open, onSent }: SnapshotSending,
): Promise<void> {
  let offset = 0;
  for await (const chunk of chunksOf(open(0))) {
    answers.check();
    const room = call.write(encodeChunk(offset, chunk));
    offset += chunk.length;
    onSent(chunk.length);
    if (!room) await once(call, "drain", { signal: AbortSignal.timeout(STALL_MS) });
  }
  call.write(encodeChunk(offset, END));
}

/** The file's bytes in chunks of {@link CHUNK}, the last one shorter. */
async function* chunksOf(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of file) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + CHUNK - length);
      parts.push(part);
      length += part.length;
      at += part.length;
      if (length < CHUNK) continue;
      yield Buffer.concat(parts);
      parts = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(parts);
}

/** What the peer says on the call, and how it ends. */
class Answers {
  readonly #unread: Buffer[] = [];
  #end: { readonly error: Error | null } | null = null;
  #wake: () => void = () => {};

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    call.on("data", (bytes: Buffer) => {
      this.#unread.push(bytes);
      this.#wake();
    });
    call.on("error", () => {});
    call.on("status", ({ code, details }) => {
      this.#end = { error: code === status.OK ? null : new Error(details) };
      this.#wake();
    });
  }

  /** Throws when the call has ended already. */
  check(): void {
    if (this.#end) throw this.#end.error ?? new Error("the peer ended the call early");
  }

  async next(): Promise<Buffer> {
    if (this.#unread.length === 0 && !this.#end) await this.#news(STALL_MS);
    const bytes = this.#unread.shift();
    if (bytes) return bytes;
    this.check();
    throw new Error("the peer says nothing");
  }

  /** Resolves once the peer has stored it all, however long that takes. */
  async ended(): Promise<void> {
    while (!this.#end) await this.#news(0);
    if (this.#end.error) throw this.#end.error;
  }

  /** Something came, or `ms` are over where that is not 0. */
  async #news(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms > 0 ? setTimeout(resolve, ms).unref() : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
