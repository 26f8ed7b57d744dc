import { createServer } from "node:net";
import {
  Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { type Message, type NodeId, RaftError } from "../../index.js";
import { errorCode } from "../disk/disk.js";
import type { Member, Transport, TransportHandlers } from "../types.js";
import { GrpcPeer } from "./grpc-peer.js";
import {
  channelOptions,
  checkHello,
  dialAddress,
  hello,
  RAFT_SERVICE,
  serverCredentials,
  type TlsOptions,
} from "./grpc-service.js";
import { receiveSnapshot } from "./grpc-snapshots.js";
import { decodeEnvelope, decodeHello, encodeHello } from "./wire.js";

/** Where a transport listens; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface GrpcTransportOptions {
  readonly clusterId: string;
  readonly id: NodeId;
  readonly listen: readonly ListenAddress[];
  /** Tells groups apart that speak through the same members; 0 by default. */
  readonly group?: number;
  /** Mutual TLS with these; in plain text without. */
  readonly tls?: TlsOptions;
  /** Milliseconds of silence before a ping, and then until the connection counts as broken; 2,000 by default. */
  readonly keepaliveMs?: number;
  /** Bytes of one message on the wire at most; 64 MiB by default. */
  readonly maxMessageBytes?: number;
  /** A peer was refused, or refused this member: another cluster, member or version. Called on each attempt. */
  readonly onRefused?: (error: RaftError) => void;
}

type Duplex = ServerDuplexStream<Buffer, Buffer>;

/**
 * Carries messages over gRPC (HTTP/2, CBOR in it). To each peer there are three connections, for
 * control, appends and snapshots, so that none holds up another; each begins with a handshake that
 * compares cluster, member and version. Messages to a peer that cannot be reached are dropped and
 * reported; connections are tried again within half a second.
 *
 * Bounds for each peer: 4,096 messages and 4 MiB of control, 4,096 messages and 64 MiB of appends,
 * one snapshot out, one snapshot in (for all peers).
 *
 * @example
 * ```ts
 * const transport = new GrpcTransport({
 *   clusterId: "demo", id: 1, listen: [{ host: "127.0.0.1", port: 0 }],
 * });
 * await transport.bind(); // optional: to know the port before the group opens
 * const [{ port }] = transport.addresses;
 * ```
 */
export class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions & { readonly group: number };
  readonly #server: Server;
  readonly #peers: Map<NodeId, GrpcPeer> = new Map();
  #wanted: readonly Pick<Member, "id" | "address">[] = [];
  #handlers: TransportHandlers | null = null;
  #bound: Promise<void> | null = null;
  #addresses: ListenAddress[] = [];
  #receiving = false;
  #closed = false;

  constructor(options: GrpcTransportOptions) {
    this.#options = { ...options, group: options.group ?? 0 };
    this.#server = new Server(this.#channelOptions());
    this.#server.addService(RAFT_SERVICE, {
      control: (call: Duplex) => this.#serve(call),
      append: (call: Duplex) => this.#serve(call),
      snapshot: (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        this.#serveSnapshot(call, done);
      },
    });
  }

  /** Where it listens, with the ports that were taken; empty before `bind`. */
  get addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  /** Takes the addresses; `start` does it too. @throws RaftError `invalid-config` naming the one that is in use */
  bind(): Promise<void> {
    this.#bound ??= this.#bind();
    return this.#bound;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    await this.bind();
    this.#handlers = handlers;
    this.setPeers(this.#wanted);
  }

  setPeers(peers: readonly Pick<Member, "id" | "address">[]): void {
    this.#wanted = peers;
    if (!this.#handlers || this.#closed) return;
    const wanted = new Map(peers.map(({ id, address }) => [id, dialAddress(address)]));
    for (const [id, peer] of this.#peers) {
      if (wanted.get(id) === peer.address) continue;
      this.#peers.delete(id);
      peer.close();
    }
    for (const [id, address] of wanted) {
      if (id === this.#options.id || address === "" || this.#peers.has(id)) continue;
      this.#peers.set(id, this.#connect(id, address, this.#handlers));
    }
  }

  send(messages: readonly Message[]): void {
    const missing = new Set<NodeId>();
    for (const message of messages) {
      const peer = this.#peers.get(message.to);
      if (peer) peer.send(message);
      else missing.add(message.to);
    }
    for (const id of missing) setImmediate(() => this.#handlers?.unreachable(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#handlers = null;
    for (const peer of this.#peers.values()) peer.destroy();
    this.#peers.clear();
    await this.#bound?.catch(() => {});
    this.#server.forceShutdown();
  }

  async #bind(): Promise<void> {
    const credentials = serverCredentials(this.#options.tls);
    for (const { host, port } of this.#options.listen) {
      const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
      if (port !== 0) await checkFree(host, port, address);
      const taken = await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(address, credentials, (cause, bound) => {
          if (!cause) return resolve(bound);
          const message = `cannot listen on ${address}: ${cause.message}`;
          reject(new RaftError("invalid-config", message, { cause }));
        });
      });
      this.#addresses.push({ host, port: taken });
    }
  }

  #channelOptions(): ReturnType<typeof channelOptions> {
    const { keepaliveMs = 2_000, maxMessageBytes = 64 * 1024 * 1024 } = this.#options;
    return channelOptions(keepaliveMs, maxMessageBytes);
  }

  #connect(peer: NodeId, address: string, handlers: TransportHandlers): GrpcPeer {
    const { clusterId, group, id, tls } = this.#options;
    return new GrpcPeer({
      clusterId,
      group,
      id,
      peer,
      address,
      tls,
      channel: this.#channelOptions(),
      onRefused: (error) => this.#options.onRefused?.(error),
      // Later: it may happen while the core is being asked for messages.
      onDropped: () => setImmediate(() => this.#handlers?.unreachable(peer)),
      onSnapshot: (ok) => this.#handlers?.snapshotSent(peer, ok),
      openSnapshot: (index) => handlers.openSnapshot(index),
    });
  }

  /** A peer's stream of messages. */
  #serve(call: Duplex): void {
    let greeted = false;
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("data", (bytes: Buffer) => {
      try {
        if (greeted) return this.#take(bytes);
        greeted = true;
        this.#greet(bytes, call);
      } catch (error) {
        call.removeAllListeners("data").resume();
        this.#refuse(call, error);
      }
    });
  }

  #greet(bytes: Buffer, call: Duplex): void {
    const theirs = decodeHello(bytes);
    const { clusterId, id } = this.#options;
    // The answer says who this is even to one that is refused, so that both can tell what is wrong.
    call.write(encodeHello(hello(clusterId, id, theirs.from)));
    checkHello(theirs, this.#options);
    if (!this.#handlers)
      throw Object.assign(new Error("not started"), { code: status.UNAVAILABLE });
  }

  #take(bytes: Buffer): void {
    // One copy for a whole batch: what gRPC hands over may be part of a larger chunk.
    const { clusterId, group, to, messages } = decodeEnvelope(Uint8Array.from(bytes));
    if (clusterId !== this.#options.clusterId || to !== this.#options.id) {
      throw new RaftError("wrong-cluster", "an envelope for another cluster or member");
    }
    if (group === this.#options.group) this.#handlers?.receive(messages);
  }

  #refuse(call: Duplex, error: unknown): void {
    const refused = RaftError.is(error);
    if (refused) this.#options.onRefused?.(error);
    const code = refused
      ? status.FAILED_PRECONDITION
      : (((error as { code?: number }).code as status | undefined) ?? status.INVALID_ARGUMENT);
    call.emit("error", { code, details: error instanceof Error ? error.message : String(error) });
  }

  #serveSnapshot(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
    const handlers = this.#handlers;
    if (!handlers || this.#receiving) {
      done({ code: status.UNAVAILABLE, details: "not now: another snapshot is coming in" });
      return;
    }
    this.#receiving = true;
    receiveSnapshot(call, this.#options, (index, term, chunks) =>
      handlers.storeSnapshot(index, term, chunks),
    )
      .then(
        (message) => {
          handlers.receive([message]);
          done(null, Buffer.alloc(0));
        },
        (error: unknown) => {
          if (RaftError.is(error) && error.code === "wrong-cluster")
            this.#options.onRefused?.(error);
          done({ code: status.FAILED_PRECONDITION, details: String(error) });
        },
      )
      .finally(() => {
        this.#receiving = false;
      });
  }
}

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
