import { count, type MachineNode } from "../model/machine-node.js";
import { Machines } from "../model/machines.js";
import { byName, conflict, replaces, type UnitNode } from "../model/unit-node.js";
import { Units } from "../model/units.js";
import type { Strategy } from "../types.js";

/** One change that can be taken back: the unit was put on the machine, or taken from it. */
interface Change {
  readonly unit: UnitNode;
  readonly machine: MachineNode;
  readonly placed: boolean;
}

/**
 * Who is where: indexed so that a rule is checked in a time that does not depend on how many units
 * or machines there are. Changes can be rolled back.
 *
 * Global units stand on their machines like placed ones, but never in the way of one that was
 * placed before: they yield.
 */
export class Cluster {
  readonly machines: Machines;
  readonly units: Units;
  #changes: Change[] = [];
  /** How many units of each priority are placed. */
  readonly #priorities = new Map<number, number>();

  constructor(strategy: Strategy) {
    this.machines = new Machines(strategy);
    this.units = new Units(this.machines.fit);
  }

  /** The unit of that name is there: placed, or global and not yielding. */
  isOn(name: string, machine: MachineNode): boolean {
    const unit = this.units.byName.get(name);
    return unit !== undefined && machine.units.has(unit);
  }

  place(unit: UnitNode, machine: MachineNode): void {
    this.#put(unit, machine);
    this.#changes.push({ unit, machine, placed: true });
  }

  /** Takes a placed unit from its machine. */
  remove(unit: UnitNode): void {
    this.removeFrom(unit, unit.machine!);
  }

  removeFrom(unit: UnitNode, machine: MachineNode): void {
    this.#take(unit, machine);
    this.#changes.push({ unit, machine, placed: false });
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#changes.length;
  }

  rollback(mark: number): void {
    while (this.#changes.length > mark) {
      const { unit, machine, placed } = this.#changes.pop()!;
      if (placed) this.#take(unit, machine);
      else this.#put(unit, machine);
    }
  }

  /** What was done so far cannot be taken back any more. */
  commit(): void {
    this.#changes = [];
  }

  /** The units that were put somewhere or taken away since the last commit. */
  changed(): Set<UnitNode> {
    return new Set(this.#changes.map(({ unit }) => unit));
  }

  /** Some unit on the machine conflicts with this one, either way; asked in constant time. */
  hasConflict(unit: UnitNode, machine: MachineNode): boolean {
    if (unit.conflicts.length === 0 && unit.matches.length === 0) return false;
    const here = machine.units.has(unit);
    for (const glob of unit.conflicts) {
      const self = here && unit.matches.includes(glob) ? 1 : 0;
      if ((machine.matching.get(glob) ?? 0) > self) return true;
    }
    for (const glob of unit.matches) {
      const self = here && unit.conflicts.includes(glob) ? 1 : 0;
      if ((machine.conflicting.get(glob) ?? 0) > self) return true;
    }
    return false;
  }

  /** The units on the machine that conflict with this one, by name. */
  conflictsOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (!this.hasConflict(unit, machine)) return [];
    return on(machine, (other) => conflict(unit, other));
  }

  /** The units on the machine that would make this one move away, by name. */
  replacersOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (machine.replacing.size === 0) return [];
    if (!unit.matches.some((glob) => machine.replacing.has(glob))) return [];
    return on(machine, (other) => replaces(other, unit));
  }

  /** The units on the machine that this one makes move away, by name. */
  victimsOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (unit.replaces === undefined || !machine.matching.has(unit.replaces)) return [];
    return on(machine, (other) => replaces(unit, other));
  }

  hasPeers(unit: UnitNode, machine: MachineNode): boolean {
    return unit.peers.every((peer) => this.isOn(peer, machine));
  }

  /** The machine has so much left of everything that the unit asks for. */
  hasRoom({ requests }: UnitNode, { used, capacity }: MachineNode): boolean {
    return (
      (requests.cpu === 0 || used.cpu + requests.cpu <= capacity.cpu) &&
      (requests.memory === 0 || used.memory + requests.memory <= capacity.memory) &&
      (requests.tasks === 0 || used.tasks + requests.tasks <= capacity.tasks)
    );
  }

  /** A unit of a lower priority is placed somewhere. */
  hasBelow(priority: number): boolean {
    for (const other of this.#priorities.keys()) if (other < priority) return true;
    return false;
  }

  /**
   * Decides anew which global units run on a machine: in order of names, where nothing conflicts
   * and there is room. To be called when a unit left, or one came that was in no global unit's way.
   */
  settleGlobals(machine: MachineNode): void {
    if (machine.activeGlobals < this.#eligibleGlobals(machine).length)
      this.resettleGlobals(machine);
  }

  /** The same, whatever happened. */
  resettleGlobals(machine: MachineNode): void {
    if (machine.activeGlobals > 0) {
      for (const unit of machine.units) if (unit.global) this.removeFrom(unit, machine);
    }
    for (const unit of this.#eligibleGlobals(machine)) {
      if (!this.hasConflict(unit, machine) && this.hasRoom(unit, machine)) {
        this.place(unit, machine);
      }
    }
  }

  #eligibleGlobals(machine: MachineNode): readonly UnitNode[] {
    const { fit } = this.machines;
    machine.eligibleGlobals ??= this.units.globals.filter(({ shape }) =>
      fit.eligible(shape).has(machine.rank),
    );
    return machine.eligibleGlobals;
  }

  #put(unit: UnitNode, machine: MachineNode): void {
    machine.units.add(unit);
    if (unit.global) machine.activeGlobals += 1;
    else unit.machine = machine;
    this.#count(unit, machine, 1);
    this.machines.changed(machine);
  }

  #take(unit: UnitNode, machine: MachineNode): void {
    machine.units.delete(unit);
    if (unit.global) machine.activeGlobals -= 1;
    else unit.machine = undefined;
    this.#count(unit, machine, -1);
    this.machines.changed(machine);
  }

  #count(unit: UnitNode, machine: MachineNode, by: 1 | -1): void {
    for (const glob of unit.matches) count(machine.matching, glob, by);
    for (const glob of unit.conflicts) count(machine.conflicting, glob, by);
    if (unit.replaces !== undefined) count(machine.replacing, unit.replaces, by);
    const { requests } = unit;
    if (!requests.none) {
      machine.used.cpu += by * requests.cpu;
      machine.used.memory += by * requests.memory;
      machine.used.tasks += by * requests.tasks;
    }
    if (unit.global) return;
    count(this.#priorities, unit.priority, by);
    for (const { key, counts } of unit.spreads) {
      const { metadata } = machine.machine;
      count(counts, Object.hasOwn(metadata, key) ? metadata[key]! : "", by);
    }
  }
}

function on(machine: MachineNode, test: (other: UnitNode) => boolean): UnitNode[] {
  return [...machine.units].filter(test).sort(byName);
}
