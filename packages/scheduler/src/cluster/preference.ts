import type { Machines } from "../model/machines.js";
import type { SpreadGroup, UnitNode } from "../model/unit-node.js";
import { MachineSet } from "./machine-set.js";

type Accept = (rank: number) => boolean;

/**
 * The order in which a unit tries machines: what its Affinity= weighs most first; then the values of
 * its Spread= keys with the fewest of its siblings; then as the strategy says; ties by ID. Compared
 * one after the other, never added up, so that the first machine that accepts is the best: the rest
 * need not be looked at.
 */
export class Preference {
  readonly #machines: Machines;
  /** Sets that are free for use: they would cost more to make than to fill. */
  readonly #spare: MachineSet[] = [];

  constructor(machines: Machines) {
    this.#machines = machines;
  }

  /** The rank of the first machine of `candidates` that `accept` takes, or -1; see LoadOrder.first. */
  first(unit: UnitNode, candidates: MachineSet, accept: Accept): number {
    const { affinity, spreads } = unit;
    if (affinity === undefined) return this.#spread(spreads, 0, candidates, accept);
    for (const tier of this.#machines.fit.tiers(affinity)) {
      const found = this.using((inside) => {
        inside.copyFrom(candidates);
        inside.keepOnly(tier);
        return inside.isEmpty() ? -1 : this.#spread(spreads, 0, inside, accept);
      });
      if (found >= 0) return found;
    }
    return -1;
  }

  /** Lends a set, of any content, for the time of the call. */
  using<T>(work: (set: MachineSet) => T): T {
    let set = this.#spare.pop();
    if (set === undefined || set.words.length !== Math.ceil(this.#machines.ranks / 32)) {
      set = new MachineSet(this.#machines.ranks);
    }
    const result = work(set);
    this.#spare.push(set);
    return result;
  }

  /** Values with the same number of siblings count as one; those without any come first. */
  #spread(
    groups: readonly SpreadGroup[],
    index: number,
    candidates: MachineSet,
    accept: Accept,
  ): number {
    const group = groups[index];
    if (group === undefined) return this.#machines.order.first(candidates, accept);
    const { key, counts } = group;
    const taken = [...counts];
    const none = this.using((inside) => {
      inside.copyFrom(candidates);
      for (const [value] of taken) this.#without(inside, key, value);
      return inside.isEmpty() ? -1 : this.#spread(groups, index + 1, inside, accept);
    });
    if (none >= 0) return none;
    for (const siblings of [...new Set(counts.values())].sort((a, b) => a - b)) {
      const found = this.using((inside) => {
        inside.copyFrom(candidates);
        this.using((others) => {
          others.copyFrom(candidates);
          for (const [value, count] of taken) {
            if (count === siblings) this.#without(others, key, value);
          }
          inside.removeAll(others);
        });
        return inside.isEmpty() ? -1 : this.#spread(groups, index + 1, inside, accept);
      });
      if (found >= 0) return found;
    }
    return -1;
  }

  /** Takes out the machines of a value; of the empty one, also those that lack the key. */
  #without(set: MachineSet, key: string, value: string): void {
    if (value === "") {
      this.using((lacking) => {
        lacking.copyFrom(set);
        for (const having of this.#machines.fit.valuesOf(key)) lacking.removeAll(having);
        set.removeAll(lacking);
      });
    }
    const having = this.#machines.fit.having(key, value);
    if (having !== undefined) set.removeAll(having);
  }
}
