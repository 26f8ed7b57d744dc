import { createMessage, type Message, MessageType } from "../../src/index.js";
import {
  GrpcTransport,
  type GrpcTransportOptions,
  type TransportHandlers,
} from "../../src/node/index.js";

/** What a transport tells its group, kept; its snapshots are what a test puts into `file`. */
export class Recorder implements TransportHandlers {
  messages: Message[] = [];
  lost: number[] = [];
  sent: boolean[] = [];
  stored: Buffer[] = [];
  file: Uint8Array[] = [];

  receive(messages: readonly Message[]): void {
    this.messages.push(...messages);
  }

  unreachable(id: number): void {
    this.lost.push(id);
  }

  snapshotSent(_id: number, ok: boolean): void {
    this.sent.push(ok);
  }

  async *openSnapshot(): AsyncGenerator<Uint8Array> {
    yield* this.file;
  }

  async storeSnapshot(_i: number, _t: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
    this.stored.push(Buffer.concat(parts));
  }
}

export interface Started {
  readonly transport: GrpcTransport;
  readonly address: string;
}

/** A transport of one group on a free port; `cleanup` ends it. */
export async function startTransport(
  id: number,
  handlers: TransportHandlers,
  cleanup: AsyncDisposable[],
  more: Partial<GrpcTransportOptions> = {},
): Promise<Started> {
  const listen = [{ host: "127.0.0.1", port: 0 }];
  const transport = new GrpcTransport({ clusterId: "test", id, listen, ...more });
  cleanup.push(transport);
  await transport.start(handlers);
  return { transport, address: `127.0.0.1:${transport.addresses[0]!.port}` };
}

/** The message with which member 1 sends member 2 its snapshot. */
export function snapshotMessage(index: number, term: number): Message {
  const confState = {
    voters: [1, 2],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  const snapshot = { metadata: { index, term, confState }, data: new Uint8Array([5]) };
  return createMessage({ type: MessageType.Snap, from: 1, to: 2, term, snapshot });
}
