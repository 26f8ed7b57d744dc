import { LoadOrder } from "./load-order.js";
import { conflict, type MachineNode, type Model, replaces, type UnitNode } from "./model.js";
import { StaticFit } from "./static-fit.js";
import { Tally } from "./tally.js";

/** One change that can be taken back: the unit was put on the machine, or taken from it. */
interface Change {
  readonly unit: UnitNode;
  readonly rank: number;
  readonly placed: boolean;
}

/**
 * The placements while a plan is made: who is where, indexed so that a rule is checked in a time
 * that does not depend on how many units or machines there are. Changes can be rolled back.
 *
 * Global units stand on their machines like placed ones, but never in the way of one that was
 * placed before: they yield.
 */
export class Cluster {
  readonly model: Model;
  readonly order: LoadOrder;
  readonly fit: StaticFit;
  /** Unit index → rank of its machine, or -1. */
  readonly #places: Int32Array;
  /** Rank → units there, global ones included. */
  readonly #units: Set<UnitNode>[];
  readonly #activeGlobals: Int32Array;
  readonly #eligibleGlobals: UnitNode[][];
  /** Units there whose name matches the glob; that declare it in Conflicts=; in Replaces=. */
  readonly #matching: Tally;
  readonly #conflicting: Tally;
  readonly #replacing: Tally;
  readonly #changes: Change[] = [];

  constructor(model: Model) {
    const count = model.machines.length;
    this.model = model;
    this.order = new LoadOrder(count);
    this.fit = new StaticFit(model);
    this.#places = new Int32Array(model.units.length).fill(-1);
    this.#units = model.machines.map(() => new Set());
    this.#activeGlobals = new Int32Array(count);
    this.#eligibleGlobals = model.machines.map(({ rank }) =>
      model.globals.filter((unit) => this.fit.machines(unit).has(rank)),
    );
    this.#matching = new Tally(count);
    this.#conflicting = new Tally(count);
    this.#replacing = new Tally(count);
  }

  /** The rank of the unit's machine, or -1 when it has none; globals have none. */
  placeOf(unit: UnitNode): number {
    return this.#places[unit.index]!;
  }

  unitsOn(machine: MachineNode): ReadonlySet<UnitNode> {
    return this.#units[machine.rank]!;
  }

  /** A unit by index is there: placed, or global and not yielding. -1 is nowhere. */
  isOn(index: number, machine: MachineNode): boolean {
    const unit = this.model.units[index];
    return unit !== undefined && this.#units[machine.rank]!.has(unit);
  }

  place(unit: UnitNode, machine: MachineNode): void {
    this.#put(unit, machine.rank);
    this.#changes.push({ unit, rank: machine.rank, placed: true });
  }

  remove(unit: UnitNode): void {
    const rank = this.placeOf(unit);
    this.#take(unit, rank);
    this.#changes.push({ unit, rank, placed: false });
  }

  /** A point to which `rollback` can return. */
  mark(): number {
    return this.#changes.length;
  }

  rollback(mark: number): void {
    while (this.#changes.length > mark) {
      const { unit, rank, placed } = this.#changes.pop()!;
      if (placed) this.#take(unit, rank);
      else this.#put(unit, rank);
    }
  }

  /** Some unit on the machine conflicts with this one, either way; asked in constant time. */
  hasConflict(unit: UnitNode, { rank }: MachineNode): boolean {
    const here = this.#units[rank]!.has(unit);
    for (const glob of unit.conflicts) {
      const self = here && unit.matches.includes(glob) ? 1 : 0;
      if (this.#matching.get(glob, rank) > self) return true;
    }
    for (const glob of unit.matches) {
      const self = here && unit.conflicts.includes(glob) ? 1 : 0;
      if (this.#conflicting.get(glob, rank) > self) return true;
    }
    return false;
  }

  /** The units on the machine that conflict with this one, by name. */
  conflictsOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (!this.hasConflict(unit, machine)) return [];
    return this.#on(machine, (other) => conflict(unit, other));
  }

  /** The units on the machine that would make this one move away, by name. */
  replacersOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (!unit.matches.some((glob) => this.#replacing.get(glob, machine.rank) > 0)) return [];
    return this.#on(machine, (other) => replaces(other, unit));
  }

  /** The units on the machine that this one makes move away, by name. */
  victimsOf(unit: UnitNode, machine: MachineNode): UnitNode[] {
    if (unit.replaces < 0 || this.#matching.get(unit.replaces, machine.rank) === 0) return [];
    return this.#on(machine, (other) => replaces(unit, other));
  }

  hasPeers(unit: UnitNode, machine: MachineNode): boolean {
    return unit.peers.every((peer) => this.isOn(peer, machine));
  }

  /** Decides anew which global units run on a machine: in order of names, where nothing conflicts. */
  settleGlobals(machine: MachineNode): void {
    const { rank } = machine;
    const eligible = this.#eligibleGlobals[rank]!;
    if (this.#activeGlobals[rank] === eligible.length) return;
    for (const unit of eligible) {
      if (!this.#units[rank]!.has(unit)) continue;
      this.#take(unit, rank);
      this.#changes.push({ unit, rank, placed: false });
    }
    for (const unit of eligible) {
      if (!this.hasConflict(unit, machine)) this.place(unit, machine);
    }
  }

  #on(machine: MachineNode, test: (other: UnitNode) => boolean): UnitNode[] {
    return [...this.#units[machine.rank]!].filter(test).sort((a, b) => a.index - b.index);
  }

  #put(unit: UnitNode, rank: number): void {
    this.#units[rank]!.add(unit);
    if (unit.global) this.#activeGlobals[rank]! += 1;
    else this.#places[unit.index] = rank;
    this.order.change(rank, 1);
    this.#count(unit, rank, 1);
  }

  #take(unit: UnitNode, rank: number): void {
    this.#units[rank]!.delete(unit);
    if (unit.global) this.#activeGlobals[rank]! -= 1;
    else this.#places[unit.index] = -1;
    this.order.change(rank, -1);
    this.#count(unit, rank, -1);
  }

  #count(unit: UnitNode, rank: number, by: 1 | -1): void {
    for (const glob of unit.matches) this.#matching.add(glob, rank, by);
    for (const glob of unit.conflicts) this.#conflicting.add(glob, rank, by);
    if (unit.replaces >= 0) this.#replacing.add(unit.replaces, rank, by);
  }
}
