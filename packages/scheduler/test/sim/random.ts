import type { Changes, ClusterState, Machine, UnitJob } from "../../src/index.js";
import { MALFORMED } from "../oracle.js";
import { jobOf, machineOf, type UnitOptions } from "../states.js";

const MACHINE_IDS = ["n1", "n2", "n3", "0123456789abcdef0123456789abcdef"];
const UNIT_NAMES = ["a@1", "a@2", "a@3", "b@1", "b@2", "c", "d", "e", "f"].map(
  (name) => `${name}.service`,
);
const GLOBS = ["a@*.service", "b@?.service", "*", "[c-d].service", MALFORMED, ...UNIT_NAMES];

/** A small generator that a seed repeats (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  chance(one: number, of: number): boolean {
    return this.below(of) < one;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  some<T>(from: readonly T[], atMost: number): T[] {
    return [...new Set(Array.from({ length: this.below(atMost + 1) }, () => this.pick(from)))];
  }
}

/** Mostly without a constraint: too many leave nothing to place. */
function unitOptions(random: Random): UnitOptions {
  const options: { -readonly [K in keyof UnitOptions]: UnitOptions[K] } = {};
  if (random.chance(1, 8)) options.machineId = random.pick(["n1", "n9", "01234567"]);
  if (random.chance(1, 5)) options.metadata = random.pick([{ zone: ["x"] }, { zone: ["x", "y"] }]);
  if (random.chance(1, 4)) options.machineOf = random.some(UNIT_NAMES, 2);
  if (random.chance(1, 3)) options.conflicts = random.some(GLOBS, 2);
  if (random.chance(1, 4)) options.replaces = random.pick(GLOBS);
  if (random.chance(1, 6)) options.global = true;
  if (random.chance(1, 8)) options.desired = random.pick(["inactive", "loaded"]);
  if (random.chance(2, 3)) {
    options.requests = random.pick([{ cpu: 1 }, { cpu: 2, memory: 3 }, { memory: 5, tasks: 1 }]);
  }
  if (random.chance(1, 3)) options.priority = random.pick([20, 80]);
  if (random.chance(1, 4)) {
    options.affinity = [
      { key: "zone", value: "x", weight: random.pick([-30, 20]) },
      { key: "disk", value: "ssd", weight: 30 },
    ];
  }
  if (random.chance(1, 4)) options.spread = random.pick([["zone"], ["zone", "disk"]]);
  return options;
}

export function randomUnit(name: string, random: Random): UnitJob {
  return jobOf(name, unitOptions(random));
}

export function randomMachine(id: string, random: Random): Machine {
  return machineOf(id, {
    metadata: random.pick([{}, { zone: "x" }, { zone: "y", disk: "ssd" }]),
    schedulable: random.chance(6, 7),
    capacity: random.pick([{}, { cpu: 3 }, { cpu: 4, memory: 8 }, { memory: 6, tasks: 1 }]),
  });
}

export function randomState(random: Random): ClusterState {
  const placements = new Map<string, string>();
  for (const name of [...UNIT_NAMES, "stray.service"]) {
    if (random.chance(1, 3)) placements.set(name, random.pick([...MACHINE_IDS, "gone"]));
  }
  return {
    machines: MACHINE_IDS.filter(() => random.chance(3, 4)).map((id) => randomMachine(id, random)),
    units: UNIT_NAMES.filter(() => random.chance(2, 3)).map((name) => randomUnit(name, random)),
    placements,
    strategy: random.pick(["least-units", "spread", "pack"]),
  };
}

/** Something that might befall a cluster; one to three things at once. */
export function randomChanges(random: Random): Required<Changes> {
  const changes = {
    machines: new Map<string, Machine | undefined>(),
    units: new Map<string, UnitJob | undefined>(),
    placements: new Map<string, string | undefined>(),
  };
  for (let left = 1 + random.below(3); left > 0; left--) {
    const name = random.pick(UNIT_NAMES);
    const id = random.pick(MACHINE_IDS);
    const kind = random.below(10);
    if (kind < 4) changes.units.set(name, randomUnit(name, random));
    else if (kind === 4) changes.units.set(name, undefined);
    else if (kind < 7) changes.machines.set(id, randomMachine(id, random));
    else if (kind === 7) changes.machines.set(id, undefined);
    else changes.placements.set(name, random.chance(1, 2) ? id : undefined);
  }
  return changes;
}
