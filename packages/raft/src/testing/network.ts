import type { Message, NodeId } from "../core/types.js";
import { MessageType } from "../core/types.js";
import type { EventQueue } from "./event-queue.js";
import type { Random } from "./random.js";

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

/** What the network tells the members. */
export interface NetworkHandlers {
  deliver(message: Message): void;
  /** A snapshot arrived, or was lost on its way. */
  snapshotSent(from: NodeId, to: NodeId, ok: boolean): void;
  unreachable(from: NodeId, to: NodeId): void;
}

/** A network between simulated members: it loses, doubles, delays and reorders messages, and splits. */
export class SimulatedNetwork {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #handlers: NetworkHandlers;
  #faults: NetworkFaults;
  readonly #cuts = new Set<string>();
  /** Messages taken so far, and how many of them were lost. */
  sent = 0;
  lost = 0;

  constructor(queue: EventQueue, random: Random, faults: NetworkFaults, handlers: NetworkHandlers) {
    this.#queue = queue;
    this.#random = random;
    this.#faults = faults;
    this.#handlers = handlers;
  }

  /** Cuts the way from one member to another; the other direction is left as it is. */
  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from}>${to}`);
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

  /** Undoes every cut. */
  heal(): void {
    this.#cuts.clear();
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  send(message: Message): void {
    const random = this.#random;
    this.sent++;
    if (this.#isCut(message) || random.chance(this.#faults.drop)) {
      this.#lose(message);
      return;
    }
    this.#carry(message);
    // A forwarded proposal has no identity: doubled it would be a second proposal.
    if (message.type === MessageType.Prop) return;
    if (random.chance(this.#faults.duplicate)) this.#carry(message);
  }

  #isCut({ from, to }: Message): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  #lose(message: Message): void {
    this.lost++;
    const { type, from, to } = message;
    // A sender learns of a lost snapshot for sure, of other losses only sometimes.
    if (type === MessageType.Snap) {
      this.#queue.schedule(this.#delay(), () => this.#handlers.snapshotSent(from, to, false));
    } else if (this.#random.chance(0.1)) {
      this.#queue.schedule(this.#delay(), () => this.#handlers.unreachable(from, to));
    }
  }

  #carry(message: Message): void {
    this.#queue.schedule(this.#delay(), () => {
      if (this.#isCut(message)) {
        this.#lose(message);
        return;
      }
      this.#handlers.deliver(message);
      if (message.type === MessageType.Snap) {
        this.#handlers.snapshotSent(message.from, message.to, true);
      }
    });
  }

  #delay(): number {
    const { minDelay, maxDelay, stall } = this.#faults;
    const delay = this.#random.between(minDelay, maxDelay);
    return this.#random.chance(stall) ? delay * this.#random.between(2, 100) : delay;
  }
}
