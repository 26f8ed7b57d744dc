import type { MachineNode } from "../model/machine-node.js";

/**
 * Machines in the order in which something changed on them, newest first. What was found out about
 * a machine holds until it changes: those that changed since are looked at again, and no others.
 */
export class Recency {
  #clock = 0;
  #newest: MachineNode | undefined;

  /** Grows with every change. */
  get clock(): number {
    return this.#clock;
  }

  touch(machine: MachineNode): void {
    machine.changedAt = ++this.#clock;
    if (this.#newest === machine) return;
    this.#unlink(machine);
    machine.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = machine;
    this.#newest = machine;
  }

  remove(machine: MachineNode): void {
    if (this.#newest === machine) this.#newest = machine.older;
    this.#unlink(machine);
    this.#clock++;
  }

  /** Calls back for every machine that changed after `clock`. */
  since(clock: number, each: (machine: MachineNode) => void): void {
    for (let at = this.#newest; at !== undefined && at.changedAt > clock; at = at.older) each(at);
  }

  #unlink(machine: MachineNode): void {
    if (machine.newer !== undefined) machine.newer.older = machine.older;
    if (machine.older !== undefined) machine.older.newer = machine.newer;
    machine.newer = undefined;
    machine.older = undefined;
  }
}
