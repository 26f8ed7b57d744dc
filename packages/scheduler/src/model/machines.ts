import { LoadOrder } from "../cluster/load-order.js";
import { Recency } from "../cluster/recency.js";
import type { Machine, Strategy } from "../types.js";
import { MachineNode } from "./machine-node.js";
import { StaticFit } from "./static-fit.js";
import { byName } from "./unit-node.js";

/** The machines of a cluster, with everything that orders them. */
export class Machines {
  readonly byId: Map<string, MachineNode> = new Map();
  readonly fit: StaticFit = new StaticFit();
  readonly recency: Recency = new Recency();
  readonly #strategy: Strategy;
  #order: LoadOrder;
  #ranked: MachineNode[] = [];
  #lastNumber = 0;

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
    this.#order = new LoadOrder(strategy, 0);
  }

  get order(): LoadOrder {
    return this.#order;
  }

  /** Size of every MachineSet: ranks lie below it. */
  get ranks(): number {
    return this.#ranked.length;
  }

  at(rank: number): MachineNode {
    return this.#ranked[rank]!;
  }

  /** By ID. */
  sorted(): MachineNode[] {
    return this.#ranked.filter((node) => this.byId.get(node.id) === node);
  }

  /** Machines that were not there: all get new ranks, in the order of IDs. */
  add(machines: readonly Machine[]): MachineNode[] {
    const added = machines.map((machine) => new MachineNode(machine, ++this.#lastNumber));
    for (const node of added) this.byId.set(node.id, node);
    this.#ranked = [...this.byId.values()].sort((a, b) => byName({ name: a.id }, { name: b.id }));
    this.#order = new LoadOrder(this.#strategy, this.#ranked.length);
    this.#ranked.forEach((node, rank) => {
      node.rank = rank;
      this.#order.add(node);
      this.recency.touch(node);
    });
    this.fit.reset(this.#ranked);
    return added;
  }

  /** Its units must have left. The ranks of the others stay. */
  remove(node: MachineNode): void {
    this.byId.delete(node.id);
    this.fit.remove(node);
    this.#order.remove(node);
    this.recency.remove(node);
  }

  update(node: MachineNode, machine: Machine): void {
    this.fit.remove(node);
    node.update(machine);
    this.fit.add(node);
    this.changed(node);
  }

  /** Something on the machine is not as it was. */
  changed(node: MachineNode): void {
    this.#order.update(node);
    this.recency.touch(node);
  }
}
