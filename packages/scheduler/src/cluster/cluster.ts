import type { MachineNode } from "../model/machine-node.js";
import { Machines } from "../model/machines.js";
import { byName, conflict, replaces, type UnitNode } from "../model/unit-node.js";
import { Units } from "../model/units.js";
import type { Strategy } from "../types.js";
import { PairCounts } from "./pair-counts.js";

const NONE: readonly UnitNode[] = [];

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
  /** Units by glob and machine: whose name matches it; that declare it in Conflicts=; in Replaces=. */
  readonly #matching = new PairCounts();
  readonly #conflicting = new PairCounts();
  readonly #replacing = new PairCounts();
  /** How many units of each priority are placed. */
  readonly #priorities = new Map<number, number>();
  /** What can be taken back: the unit, the machine, and whether it came or left. */
  #units: UnitNode[] = [];
  #places: MachineNode[] = [];
  #came: boolean[] = [];
  #lastListing = 0;

  constructor(strategy: Strategy) {
    this.machines = new Machines(strategy);
    this.units = new Units(this.machines.fit, (unit, glob, by) => {
      for (const { number } of this.machinesOf(unit)) this.#matching.add(glob.id, number, by);
    });
  }

  /** The unit of that name is there: placed, or global and not yielding. */
  isOn(name: string, machine: MachineNode): boolean {
    const unit = this.units.byName.get(name);
    return unit !== undefined && machine.has(unit);
  }

  /** Where the unit runs: one machine, or for a global unit many. */
  machinesOf(unit: UnitNode): readonly MachineNode[] {
    if (!unit.global) return unit.machine === undefined ? [] : [unit.machine];
    return [...this.machines.byId.values()].filter((machine) => machine.has(unit));
  }

  place(unit: UnitNode, machine: MachineNode): void {
    this.#put(unit, machine);
    this.#remember(unit, machine, true);
  }

  /** Takes a placed unit from its machine. */
  remove(unit: UnitNode): void {
    this.removeFrom(unit, unit.machine!);
  }

  removeFrom(unit: UnitNode, machine: MachineNode): void {
    this.#take(unit, machine);
    this.#remember(unit, machine, false);
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#units.length;
  }

  rollback(mark: number): void {
    while (this.#units.length > mark) {
      const unit = this.#units.pop()!;
      const machine = this.#places.pop()!;
      if (this.#came.pop()) this.#take(unit, machine);
      else this.#put(unit, machine);
    }
  }

  /** What was done so far cannot be taken back any more. */
  commit(): void {
    this.#units = [];
    this.#places = [];
    this.#came = [];
  }

  /** The units that were put somewhere or taken away since the last commit, each once. */
  changed(): UnitNode[] {
    const listing = ++this.#lastListing;
    const changed: UnitNode[] = [];
    for (const unit of this.#units) {
      if (unit.listedIn === listing) continue;
      unit.listedIn = listing;
      changed.push(unit);
    }
    return changed;
  }

  /** Some unit on the machine conflicts with this one, either way; asked in constant time. */
  hasConflict(unit: UnitNode, machine: MachineNode): boolean {
    if (unit.conflicts.length === 0 && unit.matches.length === 0) return false;
    const here = machine.has(unit);
    for (const glob of unit.conflicts) {
      const self = here && unit.matches.includes(glob) ? 1 : 0;
      if (this.#matching.get(glob.id, machine.number) > self) return true;
    }
    for (const glob of unit.matches) {
      const self = here && unit.conflicts.includes(glob) ? 1 : 0;
      if (this.#conflicting.get(glob.id, machine.number) > self) return true;
    }
    return false;
  }

  /** The units on the machine that conflict with this one, by name. */
  conflictsOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (!this.hasConflict(unit, machine)) return [];
    return on(machine, (other) => conflict(unit, other));
  }

  /** The units on the machine that would make this one move away, by name. */
  replacersOf(unit: UnitNode, machine: MachineNode): readonly UnitNode[] {
    if (this.#replacing.isEmpty) return NONE;
    const { number } = machine;
    if (!unit.matches.some(({ id }) => this.#replacing.get(id, number) > 0)) return NONE;
    return on(machine, (other) => replaces(other, unit));
  }

  /** The units on the machine that this one makes move away, by name. */
  victimsOf(unit: UnitNode, machine: MachineNode): readonly UnitNode[] {
    if (unit.replaces === undefined) return NONE;
    if (this.#matching.get(unit.replaces.id, machine.number) === 0) return NONE;
    return on(machine, (other) => replaces(unit, other));
  }

  hasPeers(unit: UnitNode, machine: MachineNode): boolean {
    return unit.peers.length === 0 || unit.peers.every((peer) => this.isOn(peer, machine));
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
    const eligible = this.#eligibleGlobals(machine);
    if (machine.globals.length < eligible.length) this.resettleGlobals(machine);
  }

  /** The same, whatever happened. */
  resettleGlobals(machine: MachineNode): void {
    for (const unit of machine.globals) this.removeFrom(unit, machine);
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

  #remember(unit: UnitNode, machine: MachineNode, came: boolean): void {
    this.#units.push(unit);
    this.#places.push(machine);
    this.#came.push(came);
  }

  #put(unit: UnitNode, machine: MachineNode): void {
    if (unit.global) machine.globals = [...machine.globals, unit];
    else {
      unit.machine = machine;
      unit.slot = machine.placed.length;
      machine.placed.push(unit);
    }
    this.#count(unit, machine, 1);
    this.machines.changed(machine);
  }

  #take(unit: UnitNode, machine: MachineNode): void {
    if (unit.global) machine.globals = machine.globals.filter((other) => other !== unit);
    else {
      unit.machine = undefined;
      const last = machine.placed.pop()!;
      if (last !== unit) {
        machine.placed[unit.slot] = last;
        last.slot = unit.slot;
      }
    }
    this.#count(unit, machine, -1);
    this.machines.changed(machine);
  }

  #count(unit: UnitNode, machine: MachineNode, by: 1 | -1): void {
    const { number, used } = machine;
    const { matches, conflicts, replaces, requests } = unit;
    for (const { id } of matches) this.#matching.add(id, number, by);
    for (const { id } of conflicts) this.#conflicting.add(id, number, by);
    if (replaces !== undefined) this.#replacing.add(replaces.id, number, by);
    if (!requests.none) {
      used.cpu += by * requests.cpu;
      used.memory += by * requests.memory;
      used.tasks += by * requests.tasks;
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
  return machine.units().filter(test).sort(byName);
}

/** Keeps what is not zero. */
function count<T>(counts: Map<T, number>, what: T, by: 1 | -1): void {
  const after = (counts.get(what) ?? 0) + by;
  if (after === 0) counts.delete(what);
  else counts.set(what, after);
}
