import { RaftError } from "../../../src/index.js";
import {
  type Operation,
  type Random,
  type RegisterInput,
  registerHistoryFault,
} from "../../../src/testing/index.js";
import type { SimulatedProcess } from "./process.js";
import type { Scenario } from "./scenario.js";
import type { VirtualClock } from "./virtual-clock.js";

type RegisterOperation = Operation<RegisterInput, number>;

/**
 * Reads and writes through random members, and what came of them. A write that ended as
 * `proposal-dropped` must never be seen; one of unknown result may; an answer that was given holds.
 */
export class Clients {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #trace: (line: string) => void;
  readonly #histories = new Map<number, RegisterOperation[]>();
  /** Writes that nobody has answered yet, with the time of their call. */
  readonly #open = new Map<number, { readonly key: number; readonly call: number }>();
  #value = 0;
  readonly counts = { done: 0, dropped: 0, uncertain: 0, failedReads: 0 };

  constructor(
    clock: VirtualClock,
    random: Random,
    scenario: Scenario,
    trace: (line: string) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#scenario = scenario;
    this.#trace = trace;
  }

  /** Begins one operation on a member that is up. */
  operate(process: SimulatedProcess): void {
    const key = this.#random.int(this.#scenario.keys);
    if (this.#random.chance(this.#scenario.readShare)) void this.read(process, key);
    else void this.write(process, key);
  }

  /** Resolves with whether it was answered. */
  async write(process: SimulatedProcess, key: number): Promise<boolean> {
    const value = ++this.#value;
    const call = this.#clock.now();
    this.#open.set(value, { key, call });
    const onlyAsLeader = this.#random.chance(0.2);
    try {
      const result = await process.group!.propose({ key, value }, { onlyAsLeader });
      if (result !== value) throw new Error(`${value} got the result of ${result}`);
      this.#done(process, "write", { key, call, input: { type: "write", value }, output: 0 });
      this.#open.delete(value);
      return true;
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      this.#trace(`${process.id} write ${value} ${error.code}`);
      if (error.code === "proposal-dropped") {
        this.counts.dropped++;
        this.#open.delete(value);
      } else this.counts.uncertain++;
      return false;
    }
  }

  async read(process: SimulatedProcess, key: number): Promise<boolean> {
    const call = this.#clock.now();
    try {
      const index = await process.group!.readBarrier();
      if (process.machine.index < index) throw new Error(`a read at ${index} came too early`);
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      this.counts.failedReads++;
      return false;
    }
    const output = process.machine.read(key);
    this.#done(process, "read", { key, call, input: { type: "read" }, output });
    return true;
  }

  /** What is wrong with what the clients saw; null when nothing is. */
  fault(): string | null {
    for (const [value, { key, call }] of this.#open) {
      const input: RegisterInput = { type: "write", value };
      this.#history(key).push({ call, return: Number.POSITIVE_INFINITY, input, output: 0 });
    }
    this.#open.clear();
    for (const [key, history] of this.#histories) {
      const fault = registerHistoryFault(history);
      if (fault !== null) return `the history of ${key} is not linearizable: ${fault}`;
    }
    return null;
  }

  #done(
    process: SimulatedProcess,
    what: string,
    one: { key: number; call: number; input: RegisterInput; output: number },
  ): void {
    const { key, call, input, output } = one;
    this.counts.done++;
    const shown = input.type === "write" ? input.value : output;
    this.#trace(`${process.id} ${what} ${key} ${shown}`);
    this.#history(key).push({ call, return: this.#clock.now(), input, output });
  }

  #history(key: number): RegisterOperation[] {
    let history = this.#histories.get(key);
    if (!history) {
      history = [];
      this.#histories.set(key, history);
    }
    return history;
  }
}
