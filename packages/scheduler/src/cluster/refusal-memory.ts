import type { MachineNode } from "../model/machine-node.js";
import { MachineSet } from "./machine-set.js";
import type { Recency } from "./recency.js";

/**
 * Machines known to refuse something, until something changes there. Rules that look at one machine
 * alone make such a refusal last; nothing else may be put in.
 */
export class RefusalMemory {
  #machines: MachineSet | undefined;
  #asOf = 0;

  /** Takes the machines that still refuse out of the candidates. */
  exclude(candidates: MachineSet, recency: Recency): void {
    const machines = this.#machines;
    // Machines that got other ranks meanwhile: none of the bits means what it did.
    if (machines?.words.length !== candidates.words.length) this.#machines = undefined;
    if (this.#machines === undefined) {
      this.#asOf = recency.clock;
      return;
    }
    if (this.#asOf < recency.clock) {
      recency.since(this.#asOf, ({ rank }) => machines?.delete(rank));
      this.#asOf = recency.clock;
    }
    candidates.removeAll(this.#machines);
  }

  add({ rank }: MachineNode, machineCount: number): void {
    this.#machines ??= new MachineSet(machineCount);
    this.#machines.add(rank);
  }
}
