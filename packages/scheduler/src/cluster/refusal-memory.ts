import type { MachineNode } from "../model/machine-node.js";
import { MachineSet } from "./machine-set.js";
import type { Recency } from "./recency.js";

/** Where the ranks and the changes of machines are known. */
interface Context {
  readonly recency: Recency;
  /** How many ranks there are. */
  readonly ranks: number;
}

/**
 * Machines known to refuse something, until something changes there. Rules that look at one machine
 * alone make such a refusal last; nothing else may be put in.
 */
export class RefusalMemory {
  #machines: MachineSet | undefined;
  #asOf = 0;

  /** Takes the machines that still refuse out of the candidates. */
  exclude(candidates: MachineSet, context: Context): void {
    this.#refresh(context);
    if (this.#machines !== undefined) candidates.removeAll(this.#machines);
  }

  add({ rank }: MachineNode, context: Context): void {
    this.#refresh(context);
    this.#machines ??= new MachineSet(context.ranks);
    this.#machines.add(rank);
  }

  /** Machines that got new ranks count as changed, so that no bit outlives its meaning. */
  #refresh({ recency, ranks }: Context): void {
    const machines = this.#machines;
    if (machines !== undefined && machines.words.length !== Math.ceil(ranks / 32)) {
      this.#machines = undefined;
    } else if (machines !== undefined && this.#asOf < recency.clock) {
      recency.since(this.#asOf, ({ rank }) => machines.delete(rank));
    }
    this.#asOf = recency.clock;
  }
}
