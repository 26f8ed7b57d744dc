import { type Message, type NodeId, RaftError } from "../../index.js";
import type { RaftMetrics } from "../metrics/types.js";
import type { Member, Transport, TransportHandlers } from "../types.js";
import { GroupPort } from "./group-port.js";
import { GrpcHub } from "./grpc-hub.js";
import type { ListenAddress } from "./grpc-server.js";
import type { TlsOptions } from "./grpc-service.js";

export interface GrpcTransportOptions {
  readonly clusterId: string;
  readonly id: NodeId;
  readonly listen: readonly ListenAddress[];
  /** The group that the transport itself carries, without `group()`; 0 by default. */
  readonly group?: number;
  /** Mutual TLS with these; in plain text without. */
  readonly tls?: TlsOptions;
  /** Milliseconds of silence before a ping, and then until the connection counts as broken; 2,000 by default. */
  readonly keepaliveMs?: number;
  /** Bytes of one message on the wire at most; 64 MiB by default. */
  readonly maxMessageBytes?: number;
  /** A peer was refused, or refused this member: another cluster, member or version. Called on each attempt. */
  readonly onRefused?: (error: RaftError) => void;
  /** Takes what is measured of messages, bytes and snapshots. */
  readonly metrics?: RaftMetrics;
}

/**
 * Carries messages over gRPC (HTTP/2, CBOR in it). To each peer there are three connections, for
 * control, appends and (while there are any) snapshots, so that none holds up another; each stream
 * begins with a handshake that compares cluster, member and version and agrees on features. Messages
 * to a peer that cannot be reached are dropped and reported; connections are tried again within
 * half a second.
 *
 * A process that is in several groups has one transport: `group(n)` gives each group its share of the
 * same server and connections. The process is the same member in all of them.
 *
 * Bounds for each peer: 4,096 messages and 4 MiB of control, 4,096 messages and 64 MiB of appends,
 * two snapshots out. Four snapshots in, for all peers; one a group.
 *
 * @example
 * ```ts
 * const transport = new GrpcTransport({
 *   clusterId: "demo", id: 1, listen: [{ host: "127.0.0.1", port: 0 }],
 * });
 * await transport.bind(); // optional: to know the port before the group opens
 * const [{ port }] = transport.addresses;
 * const seven = await RaftGroup.open({ …, transport: transport.group(7) });
 * ```
 */
export class GrpcTransport implements Transport {
  readonly #hub: GrpcHub;
  readonly #own: GroupPort;

  constructor(options: GrpcTransportOptions) {
    const { clusterId, id, listen, tls, metrics } = options;
    this.#hub = new GrpcHub({
      clusterId,
      id,
      listen,
      tls,
      metrics,
      keepaliveMs: options.keepaliveMs ?? 2_000,
      maxMessageBytes: options.maxMessageBytes ?? 64 * 1024 * 1024,
      onRefused: (error) => options.onRefused?.(error),
    });
    this.#own = new GroupPort(this.#hub, groupId(options.group ?? 0));
  }

  /** Where it listens, with the ports that were taken; empty before `bind`. */
  get addresses(): readonly ListenAddress[] {
    return this.#hub.addresses;
  }

  /**
   * The transport of one of several groups: to be given to that group's `RaftGroup.open`, which
   * closes it with the group. The transport itself stays open until it is disposed of.
   *
   * Messages for a group that is not open here are dropped, and their sender is told.
   *
   * @throws RaftError `invalid-config` when `id` is no safe integer from 0 on. `start` throws it
   * when the group is open already.
   */
  group(id: number): Transport {
    return new GroupPort(this.#hub, groupId(id));
  }

  /** Takes the addresses; `start` does it too. @throws RaftError `invalid-config` naming the one that is in use */
  bind(): Promise<void> {
    return this.#hub.bind();
  }

  async start(handlers: TransportHandlers): Promise<void> {
    await this.#own.start(handlers);
  }

  setPeers(peers: readonly Pick<Member, "id" | "address">[]): void {
    this.#own.setPeers(peers);
  }

  send(messages: readonly Message[]): void {
    this.#own.send(messages);
  }

  /** Ends all connections, of all groups. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hub.close();
  }
}

function groupId(id: number): number {
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw new RaftError("invalid-config", `a group is a safe integer from 0 on, not ${id}`);
}
