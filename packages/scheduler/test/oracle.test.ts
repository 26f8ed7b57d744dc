import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClusterState, explain, globalUnitsFor, plan } from "../src/index.js";
import { keptBy } from "./kept.js";
import { MALFORMED, Oracle } from "./oracle.js";
import { applied, type MachineOptions, stateOf, type UnitOptions } from "./states.js";

/** RUNS=100000 for a long run; SEED=n repeats one. */
const numRuns = Number(process.env["RUNS"] ?? 250);
const seed = process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) };

const MACHINE_IDS = ["n1", "n2", "n3", "0123456789abcdef0123456789abcdef"];
const UNIT_NAMES = ["a@1", "a@2", "a@3", "b@1", "b@2", "c", "d", "e", "f"].map(
  (name) => `${name}.service`,
);
const GLOBS = ["a@*.service", "b@?.service", "*", "[c-d].service", MALFORMED, ...UNIT_NAMES];

const AFFINITIES = [
  [{ key: "disk", value: "ssd", weight: 50 }],
  [
    { key: "zone", value: "x", weight: -30 },
    { key: "disk", value: "ssd", weight: 30 },
  ],
];

const some = <T>(from: readonly T[], maxLength: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...from), { maxLength });
/** Mostly absent: too many constraints leave nothing to place. */
const rarely = <T>(value: fc.Arbitrary<T>, weight = 1): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 4 }, { arbitrary: value, weight });

const unitOptions: fc.Arbitrary<UnitOptions> = fc
  .record({
    machineId: rarely(fc.constantFrom("n1", "n9", "01234567")),
    metadata: rarely(fc.constantFrom({ zone: ["x"] }, { zone: ["x", "y"], disk: ["ssd"] })),
    machineOf: rarely(some(UNIT_NAMES, 2), 3),
    conflicts: rarely(some(GLOBS, 2), 2),
    replaces: rarely(fc.constantFrom(...GLOBS), 2),
    global: rarely(fc.constant(true)),
    requests: rarely(
      fc.constantFrom({ cpu: 1 }, { cpu: 2, memory: 3 }, { memory: 5, tasks: 1 }),
      6,
    ),
    priority: rarely(fc.constantFrom(20, 80), 3),
    affinity: rarely(fc.constantFrom(...AFFINITIES), 2),
    spread: rarely(fc.constantFrom(["zone"], ["zone", "disk"]), 2),
    desired: rarely(fc.constantFrom("inactive" as const, "loaded" as const)),
    on: fc.option(fc.constantFrom(...MACHINE_IDS, "gone"), { nil: undefined }),
  })
  .map((options) => JSON.parse(JSON.stringify(options)) as UnitOptions);

const machineOptions: fc.Arbitrary<MachineOptions> = fc.record({
  metadata: fc.constantFrom({}, { zone: "x" }, { zone: "y", disk: "ssd" }),
  schedulable: fc.constantFrom(true, true, true, false),
  capacity: fc.constantFrom({}, { cpu: 3 }, { cpu: 4, memory: 8 }, { memory: 6, tasks: 1 }),
});

const states: fc.Arbitrary<ClusterState> = fc
  .record({
    machines: fc.dictionary(fc.constantFrom(...MACHINE_IDS), machineOptions),
    units: fc.dictionary(fc.constantFrom(...UNIT_NAMES), unitOptions),
    strays: fc.dictionary(fc.constant("stray.service"), fc.constantFrom("n1", "gone")),
    strategy: fc.constantFrom("least-units" as const, "spread" as const, "pack" as const),
  })
  .map(({ machines, units, strays, strategy }) => {
    const state = stateOf(machines, units, strategy);
    const placements = new Map([...state.placements, ...Object.entries(strays)]);
    return { ...state, placements };
  });

function check(property: (state: ClusterState) => void): void {
  fc.assert(fc.property(states, property), { numRuns, ...seed });
}

// Nothing but computing: it takes as long as the machine is slow.
describe("plan against a slow, obvious scheduler", { timeout: 60_000 }, () => {
  it("breaks no rule, not even between two actions", () => {
    check((state) => {
      const oracle = new Oracle(state);
      const placements = new Map(state.placements);
      let broken = oracle.violations(placements);
      for (const { type, unit, machine } of plan(state).actions) {
        if (type === "schedule") placements.set(unit, machine);
        else placements.delete(unit);
        const now = oracle.violations(placements);
        const fresh = [...now].filter((line) => !broken.has(line));
        // Whoever had to leave anyway may lose a peer first: circles of MachineOf= leave no other way.
        expect(fresh.filter((line) => !leavesLater(line, state))).toEqual([]);
        broken = now;
      }
      expect([...broken]).toEqual([]);
    });
  });

  it("places what the oracle places where the oracle places it", () => {
    check((state) => {
      const oracle = new Oracle(state);
      expect(applied(state, plan(state))).toEqual(oracle.assign(keptBy(state)));
    });
  });

  it("moves nobody who could have stayed, and knows when there is nothing to do", () => {
    check((state) => {
      const oracle = new Oracle(state);
      const result = plan(state);
      const after = applied(state, result);
      for (const { type, unit: name } of result.actions) {
        const unit = oracle.units.find((each) => each.name === name);
        if (type === "schedule" || unit === undefined) continue;
        if (unit.desired === "inactive" || unit.fleet.global) continue;
        expect(oracle.backHome(unit, after), `${name} could have stayed`).toBeUndefined();
      }
      expect(plan({ ...state, placements: after }).actions).toEqual([]);
    });
  });

  it("leaves only those unplaced whom no machine can take, and says why for each", () => {
    check((state) => {
      const oracle = new Oracle(state);
      const result = plan(state);
      const after = applied(state, result);
      const without = oracle.units.filter(
        ({ name, desired, fleet }) => desired !== "inactive" && !fleet.global && !after.has(name),
      );
      expect(result.unplaced.map(({ unit }) => unit)).toEqual(without.map(({ name }) => name));
      for (const unit of without) {
        const takers = oracle.machines.filter(
          (machine) => oracle.place(unit, machine, after, true) !== undefined,
        );
        expect(takers).toEqual([]);
      }
      for (const { refusals, reason } of result.unplaced) {
        expect(refusals.map(({ machine }) => machine)).toEqual(oracle.machines.map(({ id }) => id));
        expect(reason).not.toMatch(/\n|^$/);
      }
    });
  });

  it("does not depend on the order of anything", () => {
    const shuffled = states.chain((state) =>
      fc.record({
        state: fc.constant(state),
        machines: fc.shuffledSubarray([...state.machines], { minLength: state.machines.length }),
        units: fc.shuffledSubarray([...state.units], { minLength: state.units.length }),
        placements: fc
          .shuffledSubarray([...state.placements], { minLength: state.placements.size })
          .map((entries) => new Map(entries)),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ state, ...other }) => {
        expect(plan({ ...state, ...other })).toEqual(plan(state));
      }),
      { numRuns, ...seed },
    );
  });

  it("knows the global units of each machine", () => {
    check((state) => {
      const oracle = new Oracle(state);
      const placements = applied(state, plan(state));
      for (const machine of state.machines) {
        const globals = oracle.on(machine, placements).filter(({ fleet }) => fleet.global);
        expect(globalUnitsFor(machine, { ...state, placements })).toEqual(
          globals.map(({ name }) => name),
        );
      }
    });
  });

  it("explains every machine as the oracle judges it", () => {
    check((state) => {
      const oracle = new Oracle(state);
      const placements = applied(state, plan(state));
      for (const unit of oracle.units.filter(({ fleet }) => !fleet.global)) {
        const without = new Map([...placements].filter(([name]) => name !== unit.name));
        const able = oracle.machines.filter(
          (machine) =>
            // Where it is already, a global unit yields to it.
            placements.get(unit.name) === machine.id ||
            oracle.place(unit, machine, without, true) !== undefined,
        );
        const verdicts = explain({ ...state, placements }, unit.name);
        expect(
          verdicts.filter(({ refusals }) => refusals.length === 0).map(({ machine }) => machine),
        ).toEqual(able.map(({ id }) => id));
      }
    });
  });
});

/** The violation is of a unit that the plan unschedules as well. */
function leavesLater(line: string, state: ClusterState): boolean {
  const name = line.slice(0, line.indexOf(": "));
  return plan(state).actions.some(({ type, unit }) => type === "unschedule" && unit === name);
}
