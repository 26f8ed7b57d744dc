import { createServer } from "node:net";
import { type ChannelOptions, Server, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { type NodeId, RaftError } from "../../index.js";
import { errorCode } from "../disk/disk.js";
import type { TransportHandlers } from "../types.js";
import { RAFT_SERVICE, serverCredentials, type TlsOptions } from "./grpc-service.js";
import {
  type Agreement,
  agree,
  decodeHello,
  encodeHello,
  Feature,
  has,
  helloOf,
} from "./handshake.js";
import { refusal, SnapshotReceiver } from "./snapshot-receiver.js";
import { decodeFrame, type Envelope, encodeUnknownGroups } from "./wire.js";

/** Where a transport listens; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface GrpcServerOptions {
  readonly clusterId: string;
  readonly id: NodeId;
  readonly listen: readonly ListenAddress[];
  readonly tls: TlsOptions | undefined;
  readonly channel: ChannelOptions;
  readonly onRefused: (error: RaftError) => void;
  /** Who takes a group's messages and snapshots; null for a group that is not here. */
  readonly handlersOf: (group: number) => TransportHandlers | null;
  /** False as long as nobody takes messages. */
  readonly isOpen: () => boolean;
  readonly onReceived: (from: NodeId, envelopes: readonly Envelope[], bytes: number) => void;
  readonly onSnapshot: (from: NodeId, bytes: number, ms: number) => void;
}

type Call = ServerDuplexStream<Buffer, Buffer>;

/** One stream that a peer has opened. */
interface Stream {
  readonly call: Call;
  peer: { readonly id: NodeId; readonly agreement: Agreement } | null;
  /** The peer has not read our last answer yet. */
  blocked: boolean;
}

/** What comes in: listens, greets, and hands each group its messages. */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #server: Server;
  readonly #snapshots: SnapshotReceiver;
  #bound: Promise<void> | null = null;
  #addresses: ListenAddress[] = [];

  constructor(options: GrpcServerOptions) {
    const { clusterId, id, handlersOf, onSnapshot: onReceived } = options;
    this.#options = options;
    this.#snapshots = new SnapshotReceiver({ clusterId, id, handlersOf, onReceived });
    this.#server = new Server(options.channel);
    this.#server.addService(RAFT_SERVICE, {
      control: (call: Call) => this.#serve(call),
      append: (call: Call) => this.#serve(call),
      snapshot: (call: Call) => this.#serveSnapshot(call),
    });
  }

  /** Where it listens, with the ports that were taken; empty before `bind`. */
  get addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  /** @throws RaftError `invalid-config` naming the address that cannot be had */
  bind(): Promise<void> {
    this.#bound ??= this.#bind();
    return this.#bound;
  }

  async close(): Promise<void> {
    await this.#bound?.catch(() => {});
    this.#server.forceShutdown();
  }

  async #bind(): Promise<void> {
    const { listen, tls } = this.#options;
    const creds = serverCredentials(tls);
    for (const { host, port } of listen) {
      const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
      await checkFree(host, port, address);
      const taken = await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(address, creds, (cause, bound) => {
          if (!cause) return resolve(bound);
          const message = `cannot listen on ${address}: ${cause.message}`;
          reject(new RaftError("invalid-config", message, { cause }));
        });
      });
      this.#addresses.push({ host, port: taken });
    }
  }

  /** A peer's stream of messages. */
  #serve(call: Call): void {
    const stream: Stream = { call, peer: null, blocked: false };
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("drain", () => {
      stream.blocked = false;
    });
    call.on("data", (bytes: Buffer) => {
      try {
        if (stream.peer) this.#take(bytes, stream, stream.peer);
        else stream.peer = this.#greet(bytes, call);
      } catch (error) {
        call.removeAllListeners("data").resume();
        this.#refuse(call, error);
      }
    });
  }

  #greet(bytes: Buffer, call: Call): Stream["peer"] {
    const theirs = decodeHello(bytes);
    const { clusterId, id } = this.#options;
    // The answer says who this is even to one that is refused, so that both can tell what is wrong.
    call.write(encodeHello(helloOf(clusterId, id, theirs.from)));
    const agreement = agree(theirs, this.#options);
    if (!this.#options.isOpen()) throw refusal(status.UNAVAILABLE, "not started");
    return { id: theirs.from, agreement };
  }

  #take(bytes: Buffer, stream: Stream, peer: NonNullable<Stream["peer"]>): void {
    const { handlersOf, onReceived } = this.#options;
    // One copy for a whole batch: what gRPC hands over may be part of a larger chunk.
    const envelopes = decodeFrame(Uint8Array.from(bytes));
    for (const { clusterId, from, to } of envelopes) {
      if (clusterId === this.#options.clusterId && to === this.#options.id && from === peer.id)
        continue;
      throw new RaftError("wrong-cluster", "an envelope for another cluster or member");
    }
    onReceived(peer.id, envelopes, bytes.length);
    const unknown: number[] = [];
    for (const { group, messages } of envelopes) {
      const handlers = handlersOf(group);
      if (handlers) handlers.receive(messages);
      else unknown.push(group);
    }
    if (unknown.length === 0 || stream.blocked || !has(peer.agreement, Feature.Groups)) return;
    stream.blocked = !stream.call.write(encodeUnknownGroups(unknown));
  }

  #serveSnapshot(call: Call): void {
    call.on("error", () => {});
    this.#snapshots.serve(call).catch((error: unknown) => this.#refuse(call, error));
  }

  #refuse(call: Call, error: unknown): void {
    const refused = RaftError.is(error) && REFUSALS.has(error.code);
    if (refused) this.#options.onRefused(error);
    const code = RaftError.is(error)
      ? status.FAILED_PRECONDITION
      : (((error as { code?: number }).code as status | undefined) ?? status.INVALID_ARGUMENT);
    call.emit("error", { code, details: error instanceof Error ? error.message : String(error) });
  }
}

/** What says that a peer is not one of ours, rather than that a snapshot could not be stored. */
const REFUSALS: ReadonlySet<string> = new Set(["wrong-cluster", "invalid-config"]);

/** grpc-js prints to stderr when it cannot bind; this finds out without it, and says why. */
async function checkFree(host: string, port: number, address: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (cause) => {
      const why = errorCode(cause) === "EADDRINUSE" ? "the address is in use" : cause.message;
      reject(new RaftError("invalid-config", `cannot listen on ${address}: ${why}`, { cause }));
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}
