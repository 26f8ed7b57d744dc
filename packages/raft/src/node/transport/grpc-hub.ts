import { type Message, MessageType, type NodeId, RaftError } from "../../index.js";
import type { RaftMetrics } from "../metrics/types.js";
import type { Member, TransportHandlers } from "../types.js";
import type { GroupPort } from "./group-port.js";
import type { Addressed } from "./grpc-lane.js";
import { GrpcPeer, type SnapshotOutcome } from "./grpc-peer.js";
import { GrpcServer, type ListenAddress } from "./grpc-server.js";
import { channelOptions, dialAddress, type TlsOptions } from "./grpc-service.js";
import { messageName } from "./message-names.js";
import type { Envelope } from "./wire.js";

export interface HubOptions {
  readonly clusterId: string;
  readonly id: NodeId;
  readonly listen: readonly ListenAddress[];
  readonly tls: TlsOptions | undefined;
  readonly keepaliveMs: number;
  readonly maxMessageBytes: number;
  readonly onRefused: (error: RaftError) => void;
  readonly metrics: RaftMetrics | undefined;
}

/**
 * What the groups of a process share: one server, and one set of connections to each other process.
 * A peer stays connected as long as any group names it.
 */
export class GrpcHub {
  readonly #options: HubOptions;
  readonly #server: GrpcServer;
  readonly #ports: Map<number, GroupPort> = new Map();
  readonly #peers: Map<NodeId, GrpcPeer> = new Map();
  readonly #addresses: Map<NodeId, string> = new Map();
  /** Groups to be told that a peer is unreachable, once this turn's work is done. */
  readonly #lost: Map<NodeId, Set<number>> = new Map();
  #closed = false;

  constructor(options: HubOptions) {
    this.#options = options;
    const { clusterId, id, listen, tls, onRefused, metrics } = options;
    this.#server = new GrpcServer({
      clusterId,
      id,
      listen,
      tls,
      onRefused,
      channel: this.#channelOptions(),
      handlersOf: (group) => this.#ports.get(group)?.handlers ?? null,
      isOpen: () => this.#ports.size > 0,
      onReceived: metrics ? (...received) => countReceived(metrics, ...received) : () => {},
      onSnapshot: (peer, bytes, ms) => {
        metrics?.count("snapshot_received_bytes", bytes, { peer });
        metrics?.observe("snapshot_receive_seconds", ms / 1000, { peer });
      },
    });
  }

  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses;
  }

  bind(): Promise<void> {
    return this.#server.bind();
  }

  /** A group begins to take messages. @throws RaftError `invalid-config`, `stopped` */
  async open(port: GroupPort, handlers: TransportHandlers): Promise<void> {
    await this.bind();
    if (this.#closed) throw new RaftError("stopped", "the transport is closed");
    if (this.#ports.has(port.group)) {
      throw new RaftError("invalid-config", `group ${port.group} is open already`);
    }
    port.handlers = handlers;
    this.#ports.set(port.group, port);
    for (const [id, address] of port.peers) this.#addAddress(id, address, undefined);
    this.#connect();
  }

  /** A group ends; the others go on. */
  leave(port: GroupPort): void {
    port.handlers = null;
    if (this.#ports.get(port.group) !== port) return;
    this.#ports.delete(port.group);
    for (const peer of this.#peers.values()) peer.leave(port.group);
    this.#connect();
  }

  setPeers(port: GroupPort, peers: readonly Pick<Member, "id" | "address">[]): void {
    const before = port.peers;
    const others = peers.filter(({ id, address }) => id !== this.#options.id && address !== "");
    port.peers = new Map(others.map(({ id, address }) => [id, dialAddress(address)]));
    if (!port.handlers) return;
    for (const [id, address] of port.peers) this.#addAddress(id, address, before.get(id));
    this.#connect();
  }

  send(port: GroupPort, messages: readonly Message[]): void {
    const { metrics } = this.#options;
    for (const message of messages) {
      const peer = port.peers.has(message.to) ? this.#peers.get(message.to) : undefined;
      const addressed = { group: port.group, message };
      if (!peer) this.#dropped(message.to, addressed);
      else {
        metrics?.count("messages_sent", 1, { peer: message.to, type: messageName(message.type) });
        peer.send(addressed);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const port of this.#ports.values()) port.handlers = null;
    this.#ports.clear();
    for (const peer of this.#peers.values()) peer.destroy();
    this.#peers.clear();
    await this.#server.close();
  }

  /** Groups may learn of a new address at different times: who changes it has the later news. */
  #addAddress(id: NodeId, address: string, before: string | undefined): void {
    const moved = before !== undefined && before !== address;
    if (moved || !this.#addresses.has(id)) this.#addresses.set(id, address);
  }

  /** Opens and ends connections, so that each peer of any open group has its own. */
  #connect(): void {
    if (this.#closed) return;
    const wanted = new Set<NodeId>();
    for (const { peers } of this.#ports.values()) for (const id of peers.keys()) wanted.add(id);
    for (const id of this.#addresses.keys()) if (!wanted.has(id)) this.#addresses.delete(id);
    for (const [id, peer] of this.#peers) {
      if (this.#addresses.get(id) === peer.address) continue;
      this.#peers.delete(id);
      peer.close();
    }
    for (const [id, address] of this.#addresses) {
      if (!this.#peers.has(id)) this.#peers.set(id, this.#dial(id, address));
    }
  }

  #dial(peer: NodeId, address: string): GrpcPeer {
    const { clusterId, id, tls, onRefused, metrics } = this.#options;
    return new GrpcPeer({
      clusterId,
      id,
      peer,
      address,
      tls,
      channel: this.#channelOptions(),
      onRefused,
      onBroken: () => this.#lose(peer, [...this.#ports.keys()]),
      onDropped: (addressed) => this.#dropped(peer, addressed),
      onUnknown: (groups) => this.#lose(peer, groups),
      onSent: (bytes) => metrics?.count("peer_sent_bytes", bytes, { peer }),
      onSnapshot: (outcome) => this.#snapshotSent(peer, outcome),
      openSnapshot: (group, index, from) => {
        const handlers = this.#ports.get(group)?.handlers;
        if (!handlers) throw new RaftError("stopped", `group ${group} is closed`);
        return handlers.openSnapshot(index, from);
      },
    });
  }

  #snapshotSent(peer: NodeId, { group, ok, bytes, ms }: SnapshotOutcome): void {
    const { metrics } = this.#options;
    if (bytes > 0) metrics?.count("snapshot_sent_bytes", bytes, { peer });
    if (ok) metrics?.observe("snapshot_send_seconds", ms / 1000, { peer });
    else metrics?.count("snapshot_sends_failed", 1, { peer });
    this.#ports.get(group)?.handlers?.snapshotSent(peer, ok);
  }

  #dropped(peer: NodeId, { group, message }: Addressed): void {
    const { metrics } = this.#options;
    metrics?.count("messages_dropped", 1, { peer, type: messageName(message.type) });
    if (message.type === MessageType.Heartbeat) metrics?.count("heartbeats_failed", 1, { peer });
    // The core sends a member nothing until it is told how its snapshot ended.
    if (message.type === MessageType.Snap) {
      setImmediate(() => this.#ports.get(group)?.handlers?.snapshotSent(peer, false));
    }
    this.#lose(peer, [group]);
  }

  /** Tells groups that a peer is unreachable: later, since their cores may be at work right now. */
  #lose(peer: NodeId, groups: readonly number[]): void {
    let lost = this.#lost.get(peer);
    if (!lost) {
      lost = new Set();
      this.#lost.set(peer, lost);
      setImmediate(() => this.#tellLost(peer));
    }
    for (const group of groups) lost.add(group);
  }

  #tellLost(peer: NodeId): void {
    const groups = this.#lost.get(peer) ?? [];
    this.#lost.delete(peer);
    for (const group of groups) this.#ports.get(group)?.handlers?.unreachable(peer);
  }

  #channelOptions(): ReturnType<typeof channelOptions> {
    return channelOptions(this.#options.keepaliveMs, this.#options.maxMessageBytes);
  }
}

function countReceived(
  metrics: RaftMetrics,
  peer: NodeId,
  envelopes: readonly Envelope[],
  bytes: number,
): void {
  metrics.count("peer_received_bytes", bytes, { peer });
  for (const { messages } of envelopes) {
    for (const { type } of messages) {
      metrics.count("messages_received", 1, { peer, type: messageName(type) });
    }
  }
}
