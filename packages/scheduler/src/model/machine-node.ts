import type { Machine, Resources } from "../types.js";
import type { Glob } from "./glob-index.js";
import type { UnitNode } from "./unit-node.js";

/** Counts of what is not zero. */
export type Tally<T> = Map<T, number>;

export function count<T>(tally: Tally<T>, what: T, by: 1 | -1): void {
  const after = (tally.get(what) ?? 0) + by;
  if (after === 0) tally.delete(what);
  else tally.set(what, after);
}

/** A machine and what runs there, indexed so that a rule is checked without looking at each unit. */
export class MachineNode {
  readonly id: string;
  machine: Machine;
  capacity: Resources;
  /** Its place in the order of IDs, and its bit in each MachineSet. */
  rank = -1;

  /** Units there, the global ones that run included. */
  readonly units: Set<UnitNode> = new Set();
  /** How many units there have a name that matches the glob; declare it in Conflicts=; in Replaces=. */
  readonly matching: Tally<Glob> = new Map();
  readonly conflicting: Tally<Glob> = new Map();
  readonly replacing: Tally<Glob> = new Map();
  readonly used: { -readonly [K in keyof Resources]: number } = { cpu: 0, memory: 0, tasks: 0 };
  /** How full it is, as the strategy counts; kept by LoadOrder. */
  level = 0;
  activeGlobals = 0;
  /** Global units that may run there at all, by name; undefined when to be found out anew. */
  eligibleGlobals: readonly UnitNode[] | undefined;

  /** When something there changed last, and its neighbours in the order of that; kept by Recency. */
  changedAt = 0;
  newer: MachineNode | undefined;
  older: MachineNode | undefined;

  constructor(machine: Machine) {
    this.id = machine.id;
    this.machine = machine;
    this.capacity = capacityOf(machine);
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
