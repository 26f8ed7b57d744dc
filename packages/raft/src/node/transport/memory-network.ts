import { type Message, MessageType, type NodeId, RaftError } from "../../index.js";
import { realClock, soon } from "../group/clock.js";
import type { Clock, Transport, TransportHandlers } from "../types.js";

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
  readonly #clock: Clock;
  readonly #ports: Map<string, MemoryTransport> = new Map();
  readonly #cuts: Set<string> = new Set();
  /** Return false to lose a message. */
  filter: (message: Message, group: number) => boolean = () => true;
  /** Milliseconds until a message is there; 0, the next turn of the loop, by default. Unequal delays change the order. */
  delay: (message: Message, group: number) => number = () => 0;
  /** How often a message that is not lost arrives; once by default. A proposal must not be doubled. */
  copies: (message: Message, group: number) => number = () => 1;

  /** The clock rules when messages are delivered; real by default. */
  constructor(options: { readonly clock?: Clock } = {}) {
    this.#clock = options.clock ?? realClock;
  }

  /**
   * A member's connection, in one of its groups (0 by default). One that closed may be replaced by
   * a new one with the same IDs.
   */
  transport(id: NodeId, group = 0): Transport {
    return new MemoryTransport(id, group, this, this.#clock);
  }

  /** Loses everything between two members, both ways, in all groups. */
  cut(a: NodeId, b: NodeId): void {
    this.#cuts.add(`${a}>${b}`).add(`${b}>${a}`);
  }

  /** Loses everything from one member to another, but not the other way. */
  cutOneWay(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from}>${to}`);
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
    this.#ports.set(`${transport.group}/${transport.id}`, transport);
  }

  /** Used by the transports. */
  detach(transport: MemoryTransport): void {
    const key = `${transport.group}/${transport.id}`;
    if (this.#ports.get(key) === transport) this.#ports.delete(key);
  }

  /** The member that `message` reaches now, if any. */
  route(message: Message, group: number): MemoryTransport | null {
    const { from, to } = message;
    const cut = [`${from}>${to}`, `${from}`, `${to}`].some((key) => this.#cuts.has(key));
    if (cut || !this.filter(message, group)) return null;
    return this.#ports.get(`${group}/${to}`) ?? null;
  }
}

class MemoryTransport implements Transport {
  readonly id: NodeId;
  readonly group: number;
  readonly #network: MemoryNetwork;
  readonly #clock: Clock;
  #handlers: TransportHandlers | null = null;
  #inbox: Message[] = [];
  /** Messages on their way here. */
  #coming = 0;

  constructor(id: NodeId, group: number, network: MemoryNetwork, clock: Clock) {
    if (!Number.isSafeInteger(group) || group < 0) {
      throw new RaftError("invalid-config", `a group is a safe integer from 0 on, not ${group}`);
    }
    this.id = id;
    this.group = group;
    this.#network = network;
    this.#clock = clock;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#network.attach(this);
  }

  setPeers(): void {}

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      const target = this.#network.route(message, this.group);
      const delivered =
        target !== null &&
        (message.type === MessageType.Snap
          ? this.#sendSnapshot(message, target)
          : target.take(message));
      if (delivered) continue;
      soon(this.#clock, () => {
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
    for (let copy = this.#network.copies(message, this.group); copy > 0; copy--) {
      if (this.#inbox.length + this.#coming >= MAX_QUEUED) return false;
      const ms = this.#network.delay(message, this.group);
      if (ms > 0) {
        this.#coming++;
        this.#clock.setTimeout(() => {
          this.#coming--;
          this.#enqueue(message);
        }, ms);
      } else this.#enqueue(message);
    }
    return true;
  }

  #enqueue(message: Message): void {
    this.#inbox.push(message);
    if (this.#inbox.length > 1) return;
    soon(this.#clock, () => {
      const batch = this.#inbox;
      this.#inbox = [];
      this.#handlers?.receive(batch);
    });
  }

  #sendSnapshot(message: Message, target: MemoryTransport): boolean {
    const source = this.#handlers;
    const sink = target.#handlers;
    if (!source || !sink) return false;
    const report = (ok: boolean): void => {
      if (this.#handlers === source) source.snapshotSent(message.to, ok);
    };
    this.#carry(message, source, target, sink).then(
      () => report(target.take(message)),
      () => report(false),
    );
    return true;
  }

  /** From where an earlier one ended, a chunk a turn, as long as the way is open. */
  async #carry(
    message: Message,
    source: TransportHandlers,
    target: MemoryTransport,
    sink: TransportHandlers,
  ): Promise<void> {
    const { index, term } = message.snapshot!.metadata;
    const from = (await sink.snapshotLength?.(index, term)) ?? 0;
    const turn = (): Promise<void> => new Promise((resolve) => soon(this.#clock, resolve));
    const check = (): void => {
      const open = this.#network.route(message, this.group) === target;
      if (!open || this.#handlers !== source) throw new RaftError("unavailable", "the way is cut");
    };
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of source.openSnapshot(index, from)) {
        await turn();
        check();
        yield chunk;
      }
    };
    await sink.storeSnapshot(index, term, chunks(), from);
  }
}
