import { pathMatch } from "@flotilla/units";
import type { ClusterState, Machine, Resources, Strategy, UnitJob } from "../src/index.js";

/**
 * The rules once more, slowly and obviously: no index, no rollback, plain maps that are copied
 * before each attempt. It shares nothing with the planner but the types and `pathMatch`.
 */

/** The one malformed glob of the tests. */
export const MALFORMED = "a[";

export type Placements = ReadonlyMap<string, string>;

const RESOURCES = ["cpu", "memory", "tasks"] as const;

/** fleet: a malformed glob matches nothing. */
const matches = (pattern: string | undefined, name: string): boolean =>
  pattern !== undefined && pattern !== MALFORMED && pathMatch(pattern, name);
const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
const wanted = (unit: UnitJob): boolean => unit.desired !== "inactive";
const priority = (unit: UnitJob): number => unit.priority ?? 50;
const asks = (unit: UnitJob, what: keyof Resources): number => unit.requests?.[what] ?? 0;
const size = (unit: UnitJob): number =>
  Math.max(asks(unit, "cpu") / 1000, asks(unit, "memory") / (4 * 1024 ** 3));
const template = (name: string): string =>
  name.includes("@") ? name.slice(0, name.indexOf("@")) : `${name} alone`;

/** The numbers of one list before those of the other, the first that differ deciding. */
function lexical(a: readonly number[], b: readonly number[]): number {
  return a.map((one, i) => one - b[i]!).find((difference) => difference !== 0) ?? 0;
}

/** The units in the order in which they look for a machine. */
export function inQueueOrder(units: readonly UnitJob[], strategy: Strategy): UnitJob[] {
  const sizeOf = (unit: UnitJob): number => (strategy === "least-units" ? 0 : size(unit));
  return [...units]
    .sort(byName)
    .sort((a, b) => lexical([-priority(a), -sizeOf(a)], [-priority(b), -sizeOf(b)]));
}

export class Oracle {
  readonly machines: readonly Machine[];
  readonly units: readonly UnitJob[];
  readonly strategy: Strategy;
  readonly #byName: ReadonlyMap<string, UnitJob>;
  readonly #homes: Placements;

  constructor({ machines, units, placements, strategy = "least-units" }: ClusterState) {
    this.machines = [...machines].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.units = [...units].sort(byName);
    this.strategy = strategy;
    this.#homes = placements;
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

  /** There is room for the unit beside the others; what it does not ask for does not matter. */
  roomBeside(unit: UnitJob, machine: Machine, others: readonly UnitJob[]): boolean {
    return RESOURCES.every((what) => {
      const capacity = machine.capacity?.[what];
      if (capacity === undefined || asks(unit, what) === 0) return true;
      const used = others.reduce((sum, other) => sum + asks(other, what), 0);
      return used + asks(unit, what) <= capacity;
    });
  }

  /** Placed units and globals of a machine. */
  on(machine: Machine, placements: Placements): UnitJob[] {
    const here = this.#placedOn(machine, placements);
    for (const unit of this.units) {
      if (!unit.fleet.global || !wanted(unit) || !this.fits(unit, machine)) continue;
      if (here.some((other) => this.conflict(unit, other))) continue;
      if (this.roomBeside(unit, machine, here)) here.push(unit);
    }
    return here;
  }

  /** The rules that hold for a unit on a machine, apart from room and moving its victims. */
  allowed(unit: UnitJob, machine: Machine, placements: Placements): boolean {
    return this.#allowedBeside(unit, machine, this.on(machine, placements));
  }

  /** The same, with room. */
  able(unit: UnitJob, machine: Machine, placements: Placements): boolean {
    const here = this.on(machine, placements);
    return this.#allowedBeside(unit, machine, here) && this.roomBeside(unit, machine, here);
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
        const others = here.filter((other) => other !== unit);
        for (const other of others) {
          if (this.conflict(unit, other)) found.add(`${name}: conflicts with ${other.name}`);
          if (this.replaces(unit, other)) found.add(`${name}: beside its victim ${other.name}`);
        }
        if (!this.roomBeside(unit, machine, others)) found.add(`${name}: too much for ${id}`);
      }
    }
    return found;
  }

  /** All machines in the order in which the unit would have them. */
  byPreference(unit: UnitJob, placements: Placements): Machine[] {
    const rank = new Map(this.machines.map((each) => [each, this.#rank(unit, each, placements)]));
    return [...this.machines].sort((a, b) => lexical(rank.get(a)!, rank.get(b)!));
  }

  /** The placements with the unit on the machine and its victims elsewhere, or undefined. */
  place(
    unit: UnitJob,
    machine: Machine,
    placements: Placements,
    mayReplace: boolean,
  ): Placements | undefined {
    if (!this.allowed(unit, machine, placements)) return undefined;
    const victims = this.victims(unit, machine, placements);
    if (victims.length === 0) {
      if (!this.able(unit, machine, placements)) return undefined;
      return new Map([...placements, [unit.name, machine.id]]);
    }
    if (!mayReplace) return undefined;
    const leavers = this.#withFollowers(victims, machine, placements);
    const start = this.#insteadOf(unit, machine, leavers, placements);
    return this.groups([...leavers].sort(byName)).reduce<Placements | undefined>(
      (moved, group) => moved && this.#moveAway(group, machine, moved),
      start,
    );
  }

  /** The units split into those that MachineOf= ties together, all in the order given. */
  groups(units: readonly UnitJob[]): UnitJob[][] {
    const place = (unit: UnitJob): number => units.indexOf(unit);
    let groups = units.map((unit) => [unit]);
    for (const unit of units) {
      const tied = groups.filter(
        (group) =>
          group.includes(unit) || group.some(({ name }) => unit.fleet.machineOf.includes(name)),
      );
      groups = [...groups.filter((group) => !tied.includes(group)), tied.flat()];
    }
    return groups
      .map((group) => group.sort((a, b) => place(a) - place(b)))
      .sort((a, b) => place(a[0]!) - place(b[0]!))
      .map(leadersFirst);
  }

  /** The schedule pass, from placements that break no rule. */
  assign(start: Placements): Placements {
    const back = new Set<UnitJob>();
    let placements = start;
    for (;;) {
      const before = placements;
      const waiting = this.units.filter(
        (unit) => wanted(unit) && !unit.fleet.global && !before.has(unit.name),
      );
      for (const group of this.groups(inQueueOrder(waiting, this.strategy))) {
        placements = this.#assignGroup(group, placements);
      }
      if (waiting.some(({ name }) => placements.has(name))) continue;
      const home = this.#comeHome(placements, back);
      if (home === placements) return placements;
      placements = home;
    }
  }

  /** The unit, and who needs it where it is, on the machine where it was; or undefined. */
  backHome(unit: UnitJob, placements: Placements): Placements | undefined {
    const at = (id: string | undefined) => this.machines.find((each) => each.id === id);
    const home = at(this.#homes.get(unit.name));
    const from = at(placements.get(unit.name));
    if (home === undefined || home === from) return undefined;
    const movers = from === undefined ? [unit] : this.#withFollowers([unit], from, placements);
    const names = movers.map(({ name }) => name);
    const without = new Map([...placements].filter(([name]) => !names.includes(name)));
    if (from !== undefined) {
      const here = this.on(from, without);
      const lonely = here.some(
        ({ fleet }) =>
          !fleet.global && !fleet.machineOf.every((p) => here.some((o) => o.name === p)),
      );
      if (lonely) return undefined;
    }
    return this.#placeAll(leadersFirst(movers.sort(byName)), home, without);
  }

  #comeHome(start: Placements, back: Set<UnitJob>): Placements {
    let placements = start;
    for (const unit of this.units) {
      if (back.has(unit) || !placements.has(unit.name)) continue;
      const moved = this.backHome(unit, placements);
      if (moved !== undefined) back.add(unit);
      placements = moved ?? placements;
    }
    return placements;
  }

  /** The unit where lower priorities make room for it, and without those; or undefined. */
  pushOut(unit: UnitJob, placements: Placements): Placements | undefined {
    if (RESOURCES.every((what) => asks(unit, what) === 0)) return undefined;
    if (unit.fleet.replaces !== undefined) return undefined;
    const pushes = this.byPreference(unit, placements).flatMap((machine) => {
      const victims = this.allowed(unit, machine, placements)
        ? this.#pushedFrom(machine, unit, placements)
        : undefined;
      return victims === undefined ? [] : [{ machine, victims }];
    });
    const cost = (victims: readonly UnitJob[]): number[] => [
      Math.max(...victims.map(priority)),
      victims.length,
    ];
    const sorted = pushes.sort((a, b) => lexical(cost(a.victims), cost(b.victims)));
    return sorted
      .map(({ machine, victims }) => this.#insteadOf(unit, machine, victims, placements))
      .find((result) => result !== undefined);
  }

  #placedOn(machine: Machine, placements: Placements): UnitJob[] {
    return this.units.filter(
      ({ name, fleet }) => !fleet.global && placements.get(name) === machine.id,
    );
  }

  #allowedBeside(unit: UnitJob, machine: Machine, here: readonly UnitJob[]): boolean {
    return (
      this.fits(unit, machine) &&
      unit.fleet.machineOf.every((peer) => here.some(({ name }) => name === peer)) &&
      !here.some((other) => this.conflict(unit, other) || this.replaces(other, unit))
    );
  }

  /** The unit on the machine in the place of some that leave, if nobody there loses a peer. */
  #insteadOf(
    unit: UnitJob,
    machine: Machine,
    leavers: readonly UnitJob[],
    placements: Placements,
  ): Placements | undefined {
    // Global units take their part of what becomes free only when the unit has come.
    const rest = this.on(machine, placements).filter((other) => !leavers.includes(other));
    if (!this.#allowedBeside(unit, machine, rest)) return undefined;
    if (!this.roomBeside(unit, machine, rest)) return undefined;
    const names = leavers.map(({ name }) => name);
    const moved = new Map([...placements].filter(([name]) => !names.includes(name)));
    moved.set(unit.name, machine.id);
    const here = this.on(machine, moved);
    const lonely = here.filter(
      ({ fleet }) => !fleet.global && !fleet.machineOf.every((p) => here.some((o) => o.name === p)),
    );
    return lonely.length > 0 ? undefined : moved;
  }

  /** Smaller is better: affinity, siblings by each Spread= key, how full, and the order of IDs. */
  #rank(unit: UnitJob, machine: Machine, placements: Placements): number[] {
    const affinity = (unit.affinity ?? [])
      .filter(({ key, value }) => machine.metadata[key] === value)
      .reduce((sum, { weight }) => sum + weight, 0);
    const siblings = (unit.spread ?? []).map(
      (key) =>
        this.units.filter((other) => {
          const home = this.machines.find(({ id }) => id === placements.get(other.name));
          return (
            home !== undefined &&
            template(other.name) === template(unit.name) &&
            other.spread?.includes(key) === true &&
            (home.metadata[key] ?? "") === (machine.metadata[key] ?? "")
          );
        }).length,
    );
    const full = this.#fullness(machine, placements);
    const level = this.strategy === "pack" ? -full : full;
    return [-affinity, ...siblings, level, this.machines.indexOf(machine)];
  }

  #fullness(machine: Machine, placements: Placements): number {
    const here = this.on(machine, placements);
    if (this.strategy === "least-units") return here.length;
    const shares = RESOURCES.map((what) => {
      const used = here.reduce((sum, unit) => sum + asks(unit, what), 0);
      const share = Math.floor((used / (machine.capacity?.[what] ?? Infinity)) * 256);
      return share <= 256 ? share : 256;
    });
    return Math.max(here.length, ...shares);
  }

  #pushedFrom(machine: Machine, unit: UnitJob, placements: Placements): UnitJob[] | undefined {
    const here = this.on(machine, placements);
    const without = (leaving: readonly UnitJob[]): UnitJob[] =>
      here.filter((other) => !leaving.includes(other));
    const lower = here.filter((one) => !one.fleet.global && priority(one) < priority(unit));
    lower.sort((a, b) => lexical([priority(a), -size(a)], [priority(b), -size(b)]) || byName(a, b));
    if (this.roomBeside(unit, machine, here)) return undefined;
    let leaving: UnitJob[] = [];
    for (const one of lower) {
      if (this.roomBeside(unit, machine, without(leaving))) break;
      const all = this.#withFollowers([one], machine, placements);
      if (all.some((each) => priority(each) >= priority(unit))) continue;
      leaving = [...leaving, ...all.filter((each) => !leaving.includes(each))];
    }
    if (!this.roomBeside(unit, machine, without(leaving))) return undefined;
    for (const one of [...leaving].reverse()) {
      const fewer = leaving.filter((other) => other !== one);
      if (fewer.some(({ name }) => one.fleet.machineOf.includes(name))) continue;
      if (this.roomBeside(unit, machine, without(fewer))) leaving = fewer;
      else leaving = [...fewer, one];
    }
    return leaving;
  }

  #moveAway(
    group: readonly UnitJob[],
    from: Machine,
    placements: Placements,
  ): Placements | undefined {
    return this.byPreference(group[0]!, placements)
      .filter((other) => other !== from && this.fits(group[0]!, other))
      .map((other) => this.#placeAll(group, other, placements))
      .find((result) => result !== undefined);
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

  #assignGroup(group: readonly UnitJob[], start: Placements): Placements {
    let placements = start;
    for (let left = [...group]; ; left = left.filter(({ name }) => !placements.has(name))) {
      const attempts = this.byPreference(left[0]!, placements).map((machine) => {
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
      if (most > 0) placements = attempts.find(({ count }) => count === most)!.result;
      else {
        for (const unit of left) placements = this.pushOut(unit, placements) ?? placements;
        return placements;
      }
      if (most === left.length) return placements;
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
