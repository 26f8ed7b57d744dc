import { type Message, MessageType, type NodeId } from "../../index.js";
import type { Transport, TransportHandlers } from "../types.js";

/** Messages waiting for one member at most; more are dropped and their sender is told. */
const MAX_QUEUED = 4096;

/**
 * Connects members within one process, for tests and embedding. Messages are delivered in a later
 * turn of the event loop, in order, unless a fault is set.
 *
 * @example
 * ```ts
 * const network = new MemoryNetwork();
 * const transports = [1, 2, 3].map((id) => network.transport(id));
 * network.cut(1, 2);
 * network.heal();
 * ```
 */
export class MemoryNetwork {
  readonly #ports: Map<NodeId, MemoryTransport> = new Map();
  readonly #cuts: Set<string> = new Set();
  /** Return false to lose a message. */
  filter: (message: Message) => boolean = () => true;

  /** A member's connection. One that closed may be replaced by a new one with the same ID. */
  transport(id: NodeId): Transport {
    return new MemoryTransport(id, this);
  }

  /** Loses everything between two members, both ways. */
  cut(a: NodeId, b: NodeId): void {
    this.#cuts.add(`${a}>${b}`).add(`${b}>${a}`);
  }

  /** Loses everything from and to a member. */
  isolate(id: NodeId): void {
    this.#cuts.add(`${id}`);
  }

  /** Ends all cuts and isolations. */
  heal(): void {
    this.#cuts.clear();
  }

  /** Used by the transports. */
  attach(transport: MemoryTransport): void {
    this.#ports.set(transport.id, transport);
  }

  /** Used by the transports. */
  detach(transport: MemoryTransport): void {
    if (this.#ports.get(transport.id) === transport) this.#ports.delete(transport.id);
  }

  /** The member that `message` reaches now, if any. */
  route(message: Message): MemoryTransport | null {
    const { from, to } = message;
    const cut = [`${from}>${to}`, `${from}`, `${to}`].some((key) => this.#cuts.has(key));
    if (cut || !this.filter(message)) return null;
    return this.#ports.get(to) ?? null;
  }
}

class MemoryTransport implements Transport {
  readonly id: NodeId;
  readonly #network: MemoryNetwork;
  #handlers: TransportHandlers | null = null;
  #inbox: Message[] = [];

  constructor(id: NodeId, network: MemoryNetwork) {
    this.id = id;
    this.#network = network;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#network.attach(this);
  }

  setPeers(): void {}

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      const target = this.#network.route(message);
      const delivered =
        target !== null &&
        (message.type === MessageType.Snap
          ? this.#sendSnapshot(message, target)
          : target.take(message));
      if (delivered) continue;
      setImmediate(() => {
        if (message.type === MessageType.Snap) this.#handlers?.snapshotSent(message.to, false);
        else this.#handlers?.unreachable(message.to);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#handlers = null;
    this.#network.detach(this);
  }

  /** Queues a message for this member; false when its queue is full. */
  take(message: Message): boolean {
    if (this.#inbox.length >= MAX_QUEUED) return false;
    this.#inbox.push(message);
    if (this.#inbox.length === 1) {
      setImmediate(() => {
        const batch = this.#inbox;
        this.#inbox = [];
        this.#handlers?.receive(batch);
      });
    }
    return true;
  }

  #sendSnapshot(message: Message, target: MemoryTransport): boolean {
    const source = this.#handlers;
    const sink = target.#handlers;
    if (!source || !sink) return false;
    const { index, term } = message.snapshot!.metadata;
    sink.storeSnapshot(index, term, source.openSnapshot(index)).then(
      () => source.snapshotSent(message.to, target.take(message)),
      () => source.snapshotSent(message.to, false),
    );
    return true;
  }
}
