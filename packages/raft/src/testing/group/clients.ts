import type { EventQueue } from "../event-queue.js";
import { violated } from "../invariants/violation.js";
import type { Operation } from "../linearizability/checker.js";
import { registerHistoryFault } from "../linearizability/register-history.js";
import type { RegisterInput } from "../linearizability/register-model.js";
import type { Random } from "../random.js";
import type { Scenario } from "../scenario/scenario.js";
import type { SimulatedMember } from "./member.js";
import { encodeWrite, type Write } from "./register-machine.js";

type RegisterOperation = Operation<RegisterInput, number>;

/** Virtual milliseconds until a client asks another member; each time twice as long. */
const RETRY_MS = 250;

interface Waiting {
  readonly key: number;
  readonly input: RegisterInput;
  readonly call: number;
  readonly data: Uint8Array;
  retryMs: number;
  /** Whom the client asked last, and who answers; null when nobody took the write so far. */
  member: SimulatedMember | null;
}

/** The group as clients see it. */
export interface ClientsHost {
  readonly queue: EventQueue;
  readonly present: readonly SimulatedMember[];
  leader(): SimulatedMember | null;
  whenAwake(id: number, run: (member: SimulatedMember) => void): void;
}

/**
 * Clients of the simulated group: each operation goes to some member, which answers a write when it
 * has applied it and a read when ReadIndex allows it. A refused write and a read without an answer
 * are tried elsewhere. What the clients saw must be linearizable.
 */
export class Clients {
  readonly #host: ClientsHost;
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #waiting = new Map<number, Waiting>();
  readonly #histories = new Map<number, RegisterOperation[]>();
  #last = 0;
  /** Virtual milliseconds between operations on average; null for none. */
  #every: number | null = null;
  /** Operations that were answered, whose result stayed unknown, and that nobody took. */
  completed = 0;
  unknown = 0;
  refused = 0;

  constructor(host: ClientsHost, random: Random, scenario: Scenario) {
    this.#host = host;
    this.#random = random;
    this.#scenario = scenario;
  }

  /** From now on operations come at random times, so many virtual milliseconds apart on average. */
  start(every: number): void {
    const running = this.#every !== null;
    this.#every = every;
    if (!running) this.#next();
  }

  stop(): void {
    this.#every = null;
  }

  #next(): void {
    if (this.#every === null) return;
    this.#operate();
    this.#host.queue.schedule(this.#random.float() * 2 * this.#every, () => this.#next());
  }

  #operate(): void {
    const id = ++this.#last;
    const key = this.#random.int(this.#scenario.keys);
    const isRead = this.#random.chance(this.#scenario.readShare);
    const padding = !isRead && this.#random.chance(0.2) ? this.#random.int(200) : 0;
    const input: RegisterInput = isRead ? { type: "read" } : { type: "write", value: id };
    const data = encodeWrite({ key, value: id }, padding);
    const call = this.#host.queue.now;
    const waiting: Waiting = { key, input, call, data, retryMs: RETRY_MS, member: null };
    this.#waiting.set(id, waiting);
    this.#attempt(id, waiting);
  }

  /** Asks a member, which may be down; goes on elsewhere after a while if that was of no use. */
  #attempt(id: number, waiting: Waiting): void {
    if (this.#waiting.get(id) !== waiting) return;
    const { queue } = this.#host;
    const isRead = waiting.input.type === "read";
    if (queue.now >= waiting.call + this.#scenario.operationTimeout) {
      this.#giveUp(id, waiting);
      return;
    }
    // A write that somebody took may still take effect: it must not be proposed twice.
    if (isRead || waiting.member === null) this.#ask(id, waiting);
    if (!this.#waiting.has(id)) return;
    queue.schedule(waiting.retryMs, () => this.#attempt(id, waiting));
    waiting.retryMs *= 2;
  }

  #ask(id: number, waiting: Waiting): void {
    const leader = this.#random.chance(0.7) ? this.#host.leader() : null;
    const asked = leader ?? this.#random.pick(this.#host.present);
    if (asked.node === null) return;
    waiting.member = asked;
    this.#host.whenAwake(asked.id, (member) => {
      if (this.#waiting.get(id) !== waiting || member !== asked) return;
      if (waiting.input.type === "read") member.readIndex(waiting.data);
      else if (!member.propose(waiting.data) && this.#waiting.has(id)) waiting.member = null;
    });
  }

  #giveUp(id: number, waiting: Waiting): void {
    this.#waiting.delete(id);
    if (waiting.member === null) this.refused++;
    else this.unknown++;
    this.#recordUnknown(waiting);
  }

  /** A read without an answer says nothing, nor does a write that nobody took. */
  #recordUnknown(waiting: Waiting): void {
    if (waiting.input.type === "read" || waiting.member === null) return;
    this.#record(waiting, Number.POSITIVE_INFINITY, 0);
  }

  /** A member applied a write; its client, if it asked there, learns of it. */
  applied(member: SimulatedMember, write: Write): void {
    const waiting = this.#waiting.get(write.value);
    if (waiting === undefined || waiting.member !== member) return;
    this.#waiting.delete(write.value);
    this.#complete(waiting, 0);
  }

  /** A member may serve the read with this context. */
  readable(member: SimulatedMember, context: Uint8Array): void {
    const id = new DataView(context.buffer, context.byteOffset).getFloat64(1);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.member !== member) return;
    this.#waiting.delete(id);
    this.#complete(waiting, member.machine.read(waiting.key));
  }

  #complete(waiting: Waiting, output: number): void {
    this.completed++;
    this.#record(waiting, this.#host.queue.now, output);
  }

  #record({ key, input, call }: Waiting, end: number, output: number): void {
    let history = this.#histories.get(key);
    if (history === undefined) {
      history = [];
      this.#histories.set(key, history);
    }
    history.push({ call, return: end, input, output });
  }

  /** Throws unless what the clients saw of each key is linearizable. */
  check(): void {
    for (const waiting of this.#waiting.values()) this.#recordUnknown(waiting);
    this.#waiting.clear();
    for (const [key, history] of this.#histories) {
      const fault = registerHistoryFault(history);
      if (fault !== null) violated("client history is linearizable", `key ${key}: ${fault}`);
    }
  }
}
