import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { type Message, MessageType, type NodeId, RaftError } from "../../index.js";
import type { TransportHandlers } from "../types.js";
import { agree, decodeHello, encodeHello, Feature, has, helloOf } from "./handshake.js";
import { decodeChunk, encodeWanted } from "./snapshot-transfer.js";
import { decodeEnvelope } from "./wire.js";

type Call = ServerDuplexStream<Buffer, Buffer>;

/** Snapshots that come in at once, over all groups, at most. */
const MAX_INCOMING = 4;

/** One snapshot on its way in. */
interface Incoming {
  readonly from: NodeId;
  readonly term: number;
  readonly abort: (error: Error) => void;
  ended: Promise<void>;
}

/** What the transport adds to a receiver. */
export interface SnapshotReceiverOptions {
  readonly clusterId: string;
  readonly id: NodeId;
  /** Who takes a group's messages and snapshots; null for a group that is not here. */
  readonly handlersOf: (group: number) => TransportHandlers | null;
  readonly onReceived: (from: NodeId, bytes: number, ms: number) => void;
}

/** An error with the status that the caller gets. */
export function refusal(code: status, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * Takes snapshots in: one a group, four in all; beyond that the sender is told to try again. A group's
 * next one, from the same member or of a later term, takes the place of the one that is on its
 * way, whose sender is gone or has given it up.
 */
export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  readonly #incoming: Map<number, Incoming> = new Map();

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  /** Serves one call. Rejects when the snapshot was not taken. */
  async serve(call: Call): Promise<void> {
    const { clusterId, id, handlersOf } = this.#options;
    let abort: (error: Error) => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = reject;
    });
    const source: AsyncIterator<Buffer> = call[Symbol.asyncIterator]();
    const ended = aborted.catch(() => {});
    const next = async (what: string): Promise<Buffer> => {
      const { value, done } = await Promise.race([source.next(), aborted]);
      if (done) throw new TypeError(`the stream ended before ${what}`);
      return value;
    };
    const hello = decodeHello(await next("the hello"));
    const resumes = has(agree(hello, { clusterId, id }), Feature.SnapshotResume);
    if (resumes) call.write(encodeHello(helloOf(clusterId, id, hello.from)));
    const { group, messages } = decodeEnvelope(Uint8Array.from(await next("the message")));
    const handlers = handlersOf(group);
    if (!handlers) throw refusal(status.NOT_FOUND, `group ${group} is not here`);
    const message = snapshotMessage(messages);
    const incoming: Incoming = { from: hello.from, term: message.term, abort, ended };
    await this.#admit(group, incoming);
    const work = this.#store(call, next, message, handlers, { from: hello.from, resumes });
    incoming.ended = work.then(
      () => {},
      () => {},
    );
    try {
      await work;
    } finally {
      if (this.#incoming.get(group) === incoming) this.#incoming.delete(group);
    }
    handlers.receive([message]);
    if (!resumes) call.write(Buffer.alloc(0));
    call.end();
  }

  async #store(
    call: Call,
    next: (what: string) => Promise<Buffer>,
    message: Message,
    handlers: TransportHandlers,
    { from: peer, resumes }: { from: NodeId; resumes: boolean },
  ): Promise<void> {
    const begun = performance.now();
    const { index, term } = message.snapshot!.metadata;
    const from = resumes ? ((await handlers.snapshotLength?.(index, term)) ?? 0) : 0;
    let length = from;
    const want = resumes ? (offset: number): void => void call.write(encodeWanted(offset)) : null;
    want?.(from);
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const bytes of fileBytes(next, from, want)) {
        length += bytes.length;
        yield bytes;
      }
    };
    await handlers.storeSnapshot(index, term, counted(), from);
    this.#options.onReceived(peer, length - from, performance.now() - begun);
  }

  async #admit(group: number, incoming: Incoming): Promise<void> {
    const current = this.#incoming.get(group);
    if (!current && this.#incoming.size >= MAX_INCOMING) {
      throw refusal(status.UNAVAILABLE, `not now: ${MAX_INCOMING} snapshots are coming in`);
    }
    if (current && current.from !== incoming.from && current.term >= incoming.term) {
      throw refusal(status.UNAVAILABLE, "not now: another snapshot is coming in");
    }
    this.#incoming.set(group, incoming);
    if (!current) return;
    current.abort(new RaftError("snapshot-out-of-date", "another snapshot took its place"));
    await current.ended;
    if (this.#incoming.get(group) === incoming) return;
    throw new RaftError("snapshot-out-of-date", "another snapshot took its place");
  }
}

function snapshotMessage(messages: readonly Message[]): Message {
  const message = messages[0];
  if (message?.type === MessageType.Snap && message.snapshot) return message;
  throw new TypeError("expected a snapshot's message");
}

/** The file from `from` on. `want` asks for the next chunk; without it they come by themselves. */
async function* fileBytes(
  next: (what: string) => Promise<Buffer>,
  from: number,
  want: ((offset: number) => void) | null,
): AsyncGenerator<Uint8Array> {
  let due = from;
  for (;;) {
    const { offset, bytes, whole } = decodeChunk(await next("the end of the file"));
    if (offset !== due) throw new TypeError(`offset ${offset} where ${due} was due`);
    if (bytes.length === 0) return;
    if (!whole && !want) throw new TypeError(`the chunk at ${offset} was damaged on its way`);
    if (whole) {
      due += bytes.length;
      yield bytes;
    }
    want?.(due);
  }
}
