import { pathMatch } from "@flotilla/units";
import type { ClusterState, Machine, UnitJob } from "../src/index.js";

/**
 * The rules once more, slowly and obviously: no index, no rollback, plain maps that are copied
 * before each attempt. It shares nothing with the planner but the types and `pathMatch`.
 */

/** The one malformed glob of the tests. */
export const MALFORMED = "a[";

export type Placements = ReadonlyMap<string, string>;

/** fleet: a malformed glob matches nothing. */
const matches = (pattern: string | undefined, name: string): boolean =>
  pattern !== undefined && pattern !== MALFORMED && pathMatch(pattern, name);
const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
const wanted = (unit: UnitJob): boolean => unit.desired !== "inactive";

export class Oracle {
  readonly machines: readonly Machine[];
  readonly units: readonly UnitJob[];
  readonly #byName: ReadonlyMap<string, UnitJob>;

  constructor({ machines, units }: ClusterState) {
    this.machines = [...machines].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.units = [...units].sort(byName);
    this.#byName = new Map(units.map((unit) => [unit.name, unit]));
  }

  conflict(a: UnitJob, b: UnitJob): boolean {
    if (a.name === b.name) return false;
    return (
      a.fleet.conflicts.some((glob) => matches(glob, b.name)) ||
      b.fleet.conflicts.some((glob) => matches(glob, a.name))
    );
  }

  replaces(a: UnitJob, b: UnitJob): boolean {
    if (a.name === b.name) return false;
    if (a.fleet.global || b.fleet.global) return false;
    return matches(a.fleet.replaces, b.name) && !matches(b.fleet.replaces, a.name);
  }

  fits({ fleet }: UnitJob, machine: Machine): boolean {
    if (!machine.schedulable) return false;
    const { machineId } = fleet;
    if (!fleet.global && machineId !== undefined) {
      if (machineId !== machine.id && machineId !== machine.id.slice(0, 8)) return false;
    }
    return [...fleet.machineMetadata].every(([key, values]) =>
      values.includes(machine.metadata[key] ?? "\0"),
    );
  }

  /** Placed units and globals of a machine. */
  on(machine: Machine, placements: Placements): UnitJob[] {
    const here = this.units.filter(
      ({ name, fleet }) => !fleet.global && placements.get(name) === machine.id,
    );
    for (const unit of this.units) {
      if (!unit.fleet.global || !wanted(unit) || !this.fits(unit, machine)) continue;
      if (!here.some((other) => this.conflict(unit, other))) here.push(unit);
    }
    return here;
  }

  /** The rules that hold for a unit on a machine, apart from moving its victims. */
  able(unit: UnitJob, machine: Machine, placements: Placements): boolean {
    const here = this.on(machine, placements);
    return (
      this.fits(unit, machine) &&
      unit.fleet.machineOf.every((peer) => here.some(({ name }) => name === peer)) &&
      !here.some((other) => this.conflict(unit, other) || this.replaces(other, unit))
    );
  }

  victims(unit: UnitJob, machine: Machine, placements: Placements): UnitJob[] {
    return this.on(machine, placements).filter((other) => this.replaces(unit, other));
  }

  /** One line for each rule that the placements break. */
  violations(placements: Placements): Set<string> {
    const found = new Set<string>();
    for (const [name, id] of placements) {
      const unit = this.#byName.get(name);
      const machine = this.machines.find((each) => each.id === id);
      if (unit === undefined || !wanted(unit) || unit.fleet.global) found.add(`${name}: unwanted`);
      else if (machine === undefined) found.add(`${name}: ${id} is gone`);
      else {
        if (!this.fits(unit, machine)) found.add(`${name}: unfit for ${id}`);
        const here = this.on(machine, placements);
        for (const peer of unit.fleet.machineOf) {
          if (!here.some((other) => other.name === peer)) found.add(`${name}: without ${peer}`);
        }
        for (const other of here) {
          if (this.conflict(unit, other)) found.add(`${name}: conflicts with ${other.name}`);
          if (this.replaces(unit, other)) found.add(`${name}: beside its victim ${other.name}`);
        }
      }
    }
    return found;
  }

  byLoad(placements: Placements): Machine[] {
    const load = new Map(this.machines.map((each) => [each, this.on(each, placements).length]));
    return [...this.machines].sort((a, b) => load.get(a)! - load.get(b)! || (a.id < b.id ? -1 : 1));
  }

  /** The placements with the unit on the machine and its victims elsewhere, or undefined. */
  place(
    unit: UnitJob,
    machine: Machine,
    placements: Placements,
    mayReplace: boolean,
  ): Placements | undefined {
    if (!this.able(unit, machine, placements)) return undefined;
    const victims = this.victims(unit, machine, placements);
    if (victims.length === 0) return new Map([...placements, [unit.name, machine.id]]);
    if (!mayReplace) return undefined;
    const leavers = this.#withFollowers(victims, machine, placements);
    let moved: Placements = new Map(
      [...placements].filter(([name]) => !leavers.some((leaver) => leaver.name === name)),
    );
    moved = new Map([...moved, [unit.name, machine.id]]);
    const here = this.on(machine, moved);
    const lonely = here.filter(
      ({ fleet }) => !fleet.global && !fleet.machineOf.every((p) => here.some((o) => o.name === p)),
    );
    if (lonely.length > 0) return undefined;
    for (const group of this.groups(leavers)) {
      const others = this.byLoad(moved).filter(({ id }) => id !== machine.id);
      const next = others
        .map((other) => this.#placeAll(group, other, moved))
        .find((result) => result !== undefined);
      if (next === undefined) return undefined;
      moved = next;
    }
    return moved;
  }

  /** Units held together by MachineOf=, leaders first. */
  groups(units: readonly UnitJob[]): UnitJob[][] {
    let groups = [...units].sort(byName).map((unit) => [unit]);
    for (const unit of units) {
      const tied = groups.filter((group) =>
        group.some(({ name }) => name === unit.name || unit.fleet.machineOf.includes(name)),
      );
      groups = [...groups.filter((group) => !tied.includes(group)), tied.flat()];
    }
    return groups
      .map((group) => group.sort(byName))
      .sort((a, b) => byName(a[0]!, b[0]!))
      .map(leadersFirst);
  }

  #placeAll(
    group: readonly UnitJob[],
    machine: Machine,
    placements: Placements,
  ): Placements | undefined {
    let result: Placements | undefined = placements;
    for (const unit of group) {
      if (result !== undefined) result = this.place(unit, machine, result, false);
    }
    return result;
  }

  #withFollowers(victims: readonly UnitJob[], machine: Machine, placements: Placements): UnitJob[] {
    const leavers = [...victims];
    for (const leaver of leavers) {
      for (const unit of this.units) {
        if (placements.get(unit.name) !== machine.id || leavers.includes(unit)) continue;
        if (unit.fleet.machineOf.includes(leaver.name)) leavers.push(unit);
      }
    }
    return leavers;
  }

  /** The schedule pass, from placements that break no rule. */
  assign(start: Placements): Placements {
    let placements = start;
    for (;;) {
      const waiting = this.units.filter(
        (unit) => wanted(unit) && !unit.fleet.global && !placements.has(unit.name),
      );
      for (const group of this.groups(waiting)) placements = this.#assignGroup(group, placements);
      if (!waiting.some(({ name }) => placements.has(name))) return placements;
    }
  }

  #assignGroup(group: readonly UnitJob[], start: Placements): Placements {
    let placements = start;
    for (let left = [...group]; ; left = left.filter(({ name }) => !placements.has(name))) {
      const attempts = this.byLoad(placements).map((machine) => {
        let result = placements;
        let count = 0;
        for (const unit of left) {
          const next = this.place(unit, machine, result, true);
          if (next !== undefined) count++;
          result = next ?? result;
        }
        return { count, result };
      });
      const most = Math.max(0, ...attempts.map(({ count }) => count));
      if (most === 0) return placements;
      placements = attempts.find(({ count }) => count === most)!.result;
    }
  }
}

function leadersFirst(group: readonly UnitJob[]): UnitJob[] {
  const ordered: UnitJob[] = [];
  const open = new Set<UnitJob>();
  const visit = (unit: UnitJob): void => {
    if (open.has(unit)) return;
    open.add(unit);
    for (const peer of unit.fleet.machineOf) {
      const leader = group.find(({ name }) => name === peer);
      if (leader !== undefined) visit(leader);
    }
    ordered.push(unit);
  };
  for (const unit of group) visit(unit);
  return ordered;
}
