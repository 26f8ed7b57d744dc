import type { EventQueue } from "./event-queue.js";
import { InvariantViolation } from "./invariants.js";
import type { Operation, RegisterInput } from "./linearizability.js";
import type { SimulatedMember } from "./member.js";
import type { Random } from "./random.js";
import { registerHistoryFault } from "./register-history.js";
import { encodeWrite, type Write } from "./register-machine.js";
import type { Scenario } from "./scenario.js";

type RegisterOperation = Operation<RegisterInput, number>;

interface Waiting {
  readonly key: number;
  readonly input: RegisterInput;
  readonly call: number;
  /** Whom the client asked, and that answers. */
  readonly member: SimulatedMember;
}

/**
 * Clients of the simulated group: each operation goes to a random member, which answers a write
 * when it has applied it and a read when ReadIndex allows it. What they saw must be linearizable.
 */
export class Clients {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #waiting = new Map<number, Waiting>();
  readonly #histories = new Map<number, RegisterOperation[]>();
  #last = 0;
  completed = 0;
  unknown = 0;

  constructor(queue: EventQueue, random: Random, scenario: Scenario) {
    this.#queue = queue;
    this.#random = random;
    this.#scenario = scenario;
  }

  /** Starts an operation on a member, which may be down. */
  operate(member: SimulatedMember): void {
    if (this.#random.chance(this.#scenario.readShare)) this.#read(member);
    else this.write(member);
  }

  #read(member: SimulatedMember): void {
    const id = this.#begin(member, { type: "read" });
    member.readIndex(encodeWrite({ key: 0, value: id }));
  }

  write(member: SimulatedMember): void {
    const value = this.#last + 1;
    const id = this.#begin(member, { type: "write", value });
    const { key } = this.#waiting.get(id)!;
    const padding = this.#random.chance(0.2) ? this.#random.int(200) : 0;
    // A dropped proposal entered no log: the operation did not happen.
    if (!member.propose(encodeWrite({ key, value }, padding))) this.#waiting.delete(id);
  }

  #begin(member: SimulatedMember, input: RegisterInput): number {
    const id = ++this.#last;
    const key = this.#random.int(this.#scenario.keys);
    this.#waiting.set(id, { key, input, call: this.#queue.now, member });
    this.#queue.schedule(this.#scenario.operationTimeout, () => this.#giveUp(id));
    return id;
  }

  #giveUp(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.unknown++;
    // A read without an answer says nothing; a write may still take effect.
    if (waiting.input.type === "write") this.#record(waiting, Number.POSITIVE_INFINITY, 0);
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
    this.#record(waiting, this.#queue.now, output);
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
    for (const waiting of this.#waiting.values()) {
      if (waiting.input.type === "write") this.#record(waiting, Number.POSITIVE_INFINITY, 0);
    }
    this.#waiting.clear();
    for (const [key, history] of this.#histories) {
      const fault = registerHistoryFault(history);
      if (fault !== null) {
        throw new InvariantViolation("client history is linearizable", `key ${key}: ${fault}`);
      }
    }
  }
}
