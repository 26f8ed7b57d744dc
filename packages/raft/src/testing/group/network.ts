import type { Message, NodeId } from "../../core/types.js";
import { MessageType } from "../../core/types.js";
import type { EventQueue } from "../event-queue.js";
import type { Random } from "../random.js";

/** How a simulated network treats a message. Probabilities are in [0, 1], times virtual milliseconds. */
export interface NetworkFaults {
  readonly drop: number;
  readonly duplicate: number;
  /** A message takes between the two; one that takes longer is overtaken. */
  readonly minDelay: number;
  readonly maxDelay: number;
  /** How often a message takes up to a hundred times as long. */
  readonly stall: number;
}

/** A network that loses nothing and is quick. */
export const QUIET_NETWORK: NetworkFaults = {
  drop: 0,
  duplicate: 0,
  minDelay: 1,
  maxDelay: 5,
  stall: 0,
};

/** What the network tells the members. `wire` is whatever `send` was given. */
export interface NetworkHandlers<Wire> {
  deliver(message: Message, wire: Wire): void;
  lost(message: Message): void;
  /** A snapshot arrived, or was lost on its way. */
  snapshotSent(from: NodeId, to: NodeId, ok: boolean): void;
  unreachable(from: NodeId, to: NodeId): void;
}

/**
 * A network between simulated members: it loses, doubles, delays and reorders messages, splits, and
 * clogs.
 */
export class SimulatedNetwork<Wire> {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #handlers: NetworkHandlers<Wire>;
  #faults: NetworkFaults;
  readonly #cuts = new Set<number>();
  /** Links that carry nothing until a time, and then all at once. */
  readonly #clogs = new Map<number, number>();
  /** Messages taken so far, and how many of them were lost. */
  sent = 0;
  lost = 0;

  constructor(
    queue: EventQueue,
    random: Random,
    faults: NetworkFaults,
    handlers: NetworkHandlers<Wire>,
  ) {
    this.#queue = queue;
    this.#random = random;
    this.#faults = faults;
    this.#handlers = handlers;
  }

  /** Cuts the way from one member to another; the other direction is left as it is. */
  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(link(from, to));
  }

  /** Cuts both ways between every member of one group and every member of the other. */
  partition(left: readonly NodeId[], right: readonly NodeId[]): void {
    for (const a of left) {
      for (const b of right) {
        this.cut(a, b);
        this.cut(b, a);
      }
    }
  }

  /** What goes from one member to another in the next while arrives after it. */
  clog(from: NodeId, to: NodeId, ms: number): void {
    this.#clogs.set(link(from, to), this.#queue.now + ms);
  }

  /** Undoes every cut. */
  heal(): void {
    this.#cuts.clear();
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  send(message: Message, wire: Wire): void {
    const random = this.#random;
    this.sent++;
    if (this.#isCut(message) || random.chance(this.#faults.drop)) {
      this.#lose(message);
      return;
    }
    this.#carry(message, wire);
    // A forwarded proposal has no identity: doubled it would be a second proposal.
    if (message.type === MessageType.Prop) return;
    if (random.chance(this.#faults.duplicate)) this.#carry(message, wire);
  }

  #isCut({ from, to }: Message): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(link(from, to));
  }

  #lose(message: Message): void {
    this.lost++;
    const { type, from, to } = message;
    this.#handlers.lost(message);
    // A sender learns of a lost snapshot for sure, of other losses only sometimes.
    if (type === MessageType.Snap) {
      this.#queue.schedule(this.#delay(), () => this.#handlers.snapshotSent(from, to, false));
    } else if (this.#random.chance(0.1)) {
      this.#queue.schedule(this.#delay(), () => this.#handlers.unreachable(from, to));
    }
  }

  #carry(message: Message, wire: Wire): void {
    this.#queue.schedule(this.#delay() + this.#clogged(message), () => {
      if (this.#isCut(message)) {
        this.#lose(message);
        return;
      }
      this.#handlers.deliver(message, wire);
      if (message.type === MessageType.Snap) {
        this.#handlers.snapshotSent(message.from, message.to, true);
      }
    });
  }

  #clogged({ from, to }: Message): number {
    if (this.#clogs.size === 0) return 0;
    return Math.max(0, (this.#clogs.get(link(from, to)) ?? 0) - this.#queue.now);
  }

  #delay(): number {
    const { minDelay, maxDelay, stall } = this.#faults;
    const delay = this.#random.between(minDelay, maxDelay);
    return this.#random.chance(stall) ? delay * this.#random.between(2, 100) : delay;
  }
}

/** Members' numbers are small in a simulation. */
function link(from: NodeId, to: NodeId): number {
  return from * 65_536 + to;
}
