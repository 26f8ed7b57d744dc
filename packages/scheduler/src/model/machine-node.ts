import type { Machine, Resources } from "../types.js";
import type { UnitNode } from "./unit-node.js";

/** A machine and what runs there. */
export class MachineNode {
  readonly id: string;
  machine: Machine;
  capacity: Resources;
  /** Its place in the order of IDs, and its bit in each MachineSet. */
  rank = -1;

  /** Never used twice, and stays when the rank does not. */
  readonly number: number;
  /** Units that are placed there, in no order; each knows its index. */
  readonly placed: UnitNode[] = [];
  /** Global units that run there. */
  globals: readonly UnitNode[] = [];
  readonly used: { -readonly [K in keyof Resources]: number } = { cpu: 0, memory: 0, tasks: 0 };
  /** How full it is, as the strategy counts; kept by LoadOrder. */
  level = 0;
  /** Global units that may run there at all, by name; undefined when to be found out anew. */
  eligibleGlobals: readonly UnitNode[] | undefined;

  /** When something there changed last, and its neighbours in the order of that; kept by Recency. */
  changedAt = 0;
  newer: MachineNode | undefined;
  older: MachineNode | undefined;

  constructor(machine: Machine, number: number) {
    this.id = machine.id;
    this.number = number;
    this.machine = machine;
    this.capacity = capacityOf(machine);
  }

  /** How many units are there, global ones counted. */
  get load(): number {
    return this.placed.length + this.globals.length;
  }

  has(unit: UnitNode): boolean {
    return unit.global ? this.globals.includes(unit) : unit.machine === this;
  }

  units(): UnitNode[] {
    return [...this.placed, ...this.globals];
  }

  update(machine: Machine): void {
    this.machine = machine;
    this.capacity = capacityOf(machine);
    this.eligibleGlobals = undefined;
  }
}

function capacityOf({ capacity = {} }: Machine): Resources {
  const { cpu = Infinity, memory = Infinity, tasks = Infinity } = capacity;
  return { cpu, memory, tasks };
}
