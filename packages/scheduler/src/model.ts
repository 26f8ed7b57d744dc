import { PatternIndex } from "./pattern-index.js";
import type { ClusterState, Machine, UnitJob } from "./types.js";

/** A unit with its names resolved to numbers. Its index is its place in the order of names. */
export interface UnitNode {
  readonly index: number;
  readonly name: string;
  readonly job: UnitJob;
  /** Loaded or launched. */
  readonly wanted: boolean;
  readonly global: boolean;
  /** MachineOf= as unit indexes; -1 for a unit that is not there. */
  readonly peers: readonly number[];
  /** Conflicts= as glob numbers, each once. */
  readonly conflicts: readonly number[];
  /** Replaces= as a glob number, or -1. */
  readonly replaces: number;
  /** The globs of any unit's Conflicts= and Replaces= that match this unit's name. */
  readonly matches: readonly number[];
}

/** A machine; its rank is its place in the order of IDs. */
export interface MachineNode {
  readonly rank: number;
  readonly id: string;
  readonly machine: Machine;
}

/** Everything of a cluster that does not change while a plan is made, sorted and indexed. */
export interface Model {
  readonly units: readonly UnitNode[];
  readonly machines: readonly MachineNode[];
  readonly unitByName: ReadonlyMap<string, UnitNode>;
  readonly machineById: ReadonlyMap<string, MachineNode>;
  /** Wanted global units, by name. */
  readonly globals: readonly UnitNode[];
  /** Unit index → the units that name it in MachineOf=. */
  readonly followers: ReadonlyMap<number, readonly UnitNode[]>;
}

export function buildModel(state: ClusterState): Model {
  const jobs = [...state.units].sort((a, b) => compare(a.name, b.name));
  const machines = [...state.machines]
    .sort((a, b) => compare(a.id, b.id))
    .map((machine, rank): MachineNode => ({ rank, id: machine.id, machine }));
  const indexes = new Map(jobs.map((job, index) => [job.name, index]));
  const units = unitNodes(jobs, indexes);
  return {
    units,
    machines,
    unitByName: new Map(units.map((unit) => [unit.name, unit])),
    machineById: new Map(machines.map((machine) => [machine.id, machine])),
    globals: units.filter((unit) => unit.global && unit.wanted),
    followers: followersOf(units),
  };
}

function unitNodes(jobs: readonly UnitJob[], indexes: ReadonlyMap<string, number>): UnitNode[] {
  const patterns = new PatternIndex();
  const globs = jobs.map(({ fleet }) => ({
    conflicts: [...new Set(fleet.conflicts.map((pattern) => patterns.add(pattern)))],
    replaces: fleet.replaces === undefined || fleet.global ? -1 : patterns.add(fleet.replaces),
  }));
  return jobs.map((job, index) => ({
    index,
    name: job.name,
    job,
    wanted: job.desired !== "inactive",
    global: job.fleet.global,
    peers: job.fleet.global ? [] : job.fleet.machineOf.map((peer) => indexes.get(peer) ?? -1),
    ...globs[index]!,
    matches: patterns.matching(job.name),
  }));
}

function followersOf(units: readonly UnitNode[]): Map<number, UnitNode[]> {
  const followers = new Map<number, UnitNode[]>();
  for (const unit of units) {
    for (const peer of new Set(unit.peers)) {
      const known = followers.get(peer);
      if (known === undefined) followers.set(peer, [unit]);
      else known.push(unit);
    }
  }
  return followers;
}

/** By code units, so that the order is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Either names the other in Conflicts=; a unit never conflicts with itself. */
export function conflict(a: UnitNode, b: UnitNode): boolean {
  return (
    a !== b &&
    (a.conflicts.some((id) => b.matches.includes(id)) ||
      b.conflicts.some((id) => a.matches.includes(id)))
  );
}

/**
 * `a` replaces `b` and not the other way round as well: a mutual pair is ignored. So is a global
 * unit, which has no other machine to move to.
 */
export function replaces(a: UnitNode, b: UnitNode): boolean {
  return a !== b && !b.global && names(a, b) && !names(b, a);
}

function names(a: UnitNode, b: UnitNode): boolean {
  return a.replaces >= 0 && b.matches.includes(a.replaces);
}
