import { byName, type UnitNode } from "../model/unit-node.js";
import type { Strategy } from "../types.js";

type Order = (a: UnitNode, b: UnitNode) => number;

/**
 * Who is placed first: the highest priority; then, unless the strategy is fleet's, the largest, for
 * which it is the hardest to find room; then by name.
 */
export function queueOrder(strategy: Strategy): Order {
  if (strategy === "least-units") return (a, b) => b.priority - a.priority || byName(a, b);
  return (a, b) => b.priority - a.priority || b.requests.size - a.requests.size || byName(a, b);
}

/** The units that wait for a machine, in order; sorted when asked for, and only what is new. */
export class Queue {
  readonly order: Order;
  #sorted: readonly UnitNode[] = [];
  #added: UnitNode[] = [];
  #left = false;

  constructor(order: Order) {
    this.order = order;
  }

  add(unit: UnitNode): void {
    unit.waits = true;
    // Whoever left and comes back before that was noticed still has its place.
    if (unit.queued) return;
    unit.queued = true;
    this.#added.push(unit);
  }

  delete(unit: UnitNode): void {
    if (!unit.waits) return;
    unit.waits = false;
    this.#left = true;
  }

  /** Not to be changed. */
  sorted(): readonly UnitNode[] {
    if (this.#left) {
      const stays = (unit: UnitNode): boolean => {
        unit.queued = unit.waits;
        return unit.waits;
      };
      this.#sorted = this.#sorted.filter(stays);
      this.#added = this.#added.filter(stays);
      this.#left = false;
    }
    if (this.#added.length > 0) {
      this.#sorted = merge(this.#sorted, this.#added.sort(this.order), this.order);
      this.#added = [];
    }
    return this.#sorted;
  }
}

/** Two arrays in order as one. */
export function merge<T>(
  a: readonly T[],
  b: readonly T[],
  order: (a: T, b: T) => number,
): readonly T[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const merged: T[] = [];
  let at = 0;
  for (const one of b) {
    while (at < a.length && order(a[at]!, one) <= 0) merged.push(a[at++]!);
    merged.push(one);
  }
  while (at < a.length) merged.push(a[at++]!);
  return merged;
}
