import { describe, expect, it } from "vitest";
import { explain, plan, Scheduler } from "../src/index.js";
import { Oracle } from "./oracle.js";
import { Random, randomState } from "./sim/random.js";
import { applied, lines, placed, stateOf, type UnitOptions } from "./states.js";

const GIB = 1024 ** 3;
const cpu = (amount: number): UnitOptions => ({ requests: { cpu: amount } });

describe("room", () => {
  it("is what a machine has, less what is asked for there", () => {
    const state = stateOf(
      { a: { capacity: { cpu: 1000 } }, b: { capacity: { cpu: 2000 } } },
      {
        "1.service": cpu(700),
        "2.service": cpu(700),
        "3.service": cpu(700),
        "4.service": cpu(700),
      },
    );
    expect(Object.values(placed(state)).sort()).toEqual(["a", "b", "b"]);
  });

  it("has no bound where a machine states none, and none is needed where nothing is asked", () => {
    const full = stateOf({ a: { capacity: { cpu: 0 } } }, { "1.service": {}, "2.service": cpu(1) });
    expect(placed(full)).toEqual({ "1.service": "a" });
    expect(placed(stateOf(["a"], { "1.service": cpu(1e9) }))).toEqual({ "1.service": "a" });
  });

  it("says by how much it is too little", () => {
    const capacity = { cpu: 4000, memory: 8 * GIB, tasks: 100 };
    const state = stateOf(
      { a: { capacity } },
      {
        "big.service": { requests: { cpu: 3500, memory: 7.5 * GIB, tasks: 90 }, on: "a" },
        "x.service": { requests: { cpu: 1000, memory: GIB, tasks: 20 } },
      },
    );
    const [verdict] = explain(state, "x.service");
    expect(verdict?.refusals.map(({ reason }) => reason)).toEqual([
      "needs 1 CPU, 0.5 CPU of 4 CPU free",
      "needs 1 GiB, 512 MiB of 8 GiB free",
      "needs 20 tasks, 10 tasks of 100 tasks free",
    ]);
    expect(plan(state).unplaced[0]?.reason).toBe("less than 1 CPU free on a");
  });

  it("that became too little ends the lowest priority there, and no more than must", () => {
    const state = stateOf(
      { a: { capacity: { cpu: 2000 } } },
      {
        "high.service": { ...cpu(1000), priority: 80, on: "a" },
        "low.service": { ...cpu(500), priority: 10, on: "a" },
        "mid.service": { ...cpu(1000), on: "a" },
        "none.service": { priority: 0, on: "a" },
      },
    );
    expect(lines(plan(state))).toEqual(["unschedule low.service a"]);
  });

  it("makes a global unit yield, and is kept by one that runs", () => {
    const global: UnitOptions = { ...cpu(600), global: true };
    const capacity = { cpu: 1000 };
    const before = stateOf({ a: { capacity } }, { "g.service": global, "x.service": cpu(600) });
    expect(placed(before)).toEqual({});
    const after = stateOf(
      { a: { capacity } },
      { "g.service": global, "x.service": { ...cpu(600), on: "a" } },
    );
    expect(lines(plan(after))).toEqual([]);
    expect(Scheduler.of(after).globalUnits("a")).toEqual([]);
  });
});

describe("preference", () => {
  const machines = {
    a: { capacity: { cpu: 4000 }, metadata: { zone: "x", disk: "hdd" } },
    b: { capacity: { cpu: 4000 }, metadata: { zone: "x", disk: "ssd" } },
    c: { capacity: { cpu: 8000 }, metadata: { zone: "y", disk: "hdd" } },
  };
  const there = { "there.service": { ...cpu(2000), on: "b" } };

  it("packs onto the fullest that has room, the largest first", () => {
    const units = { ...there, "s.service": cpu(1000), "l.service": cpu(2000) };
    expect(placed(stateOf(machines, units, "pack"))).toMatchObject({
      "l.service": "b",
      "s.service": "a",
    });
  });

  it("spreads by share, not by number", () => {
    const units = { ...there, "1.service": cpu(1000), "2.service": cpu(1000) };
    expect(placed(stateOf(machines, units, "spread"))).toMatchObject({
      "1.service": "a",
      "2.service": "c",
    });
  });

  it("spreads the instances of a template over the values of a key", () => {
    const spread = { spread: ["zone"] };
    const units = { "w@1.service": spread, "w@2.service": spread, "w@3.service": spread };
    const homes = placed(stateOf(machines, { ...units, "x@1.service": spread }));
    expect(homes).toEqual({
      "w@1.service": "a",
      "w@2.service": "c",
      "w@3.service": "b",
      "x@1.service": "a",
    });
  });

  it("weighs affinities before anything else, but demands nothing", () => {
    const affinity = [
      { key: "disk", value: "ssd", weight: 50 },
      { key: "zone", value: "x", weight: -20 },
    ];
    const state = stateOf(machines, { ...there, "w.service": { ...cpu(1000), affinity } });
    expect(placed(state)).toMatchObject({ "w.service": "b" });
    expect(
      explain(state, "w.service").map(({ machine, affinity: sum, choice }) => [
        machine,
        sum,
        choice,
      ]),
    ).toEqual([
      ["a", -20, 3],
      ["b", 30, 1],
      ["c", 0, 2],
    ]);
    const tight = stateOf(machines, { ...there, "w.service": { ...cpu(3000), affinity } });
    expect(placed(tight)).toMatchObject({ "w.service": "c" });
  });
});

describe("priority", () => {
  const one = { a: { capacity: { cpu: 2000 } } };

  it("places the highest first", () => {
    const units = { "a.service": cpu(2000), "z.service": { ...cpu(2000), priority: 60 } };
    expect(placed(stateOf(one, units))).toEqual({ "z.service": "a" });
  });

  it("pushes out the fewest and least important, who go elsewhere if they can", () => {
    const state = stateOf(
      { ...one, b: { capacity: { cpu: 500 } } },
      {
        "big.service": { ...cpu(1000), priority: 20, on: "a" },
        "small.service": { ...cpu(500), priority: 10, on: "a" },
        "equal.service": { ...cpu(500), on: "a" },
        "new.service": { ...cpu(500), priority: 50, machineId: "a" },
      },
    );
    expect(plan(state).actions).toEqual([
      {
        type: "unschedule",
        unit: "small.service",
        machine: "a",
        reason: "makes room for new.service, priority 50 over 10",
      },
      expect.objectContaining({ type: "schedule", unit: "new.service", machine: "a" }),
      expect.objectContaining({ type: "schedule", unit: "small.service", machine: "b" }),
    ]);
  });

  it("does not push where there is room elsewhere, nor where that would not help", () => {
    const low = { "low.service": { ...cpu(1500), priority: 1, on: "a" } };
    const roomy = stateOf({ ...one, b: {} }, { ...low, "new.service": cpu(1000) });
    expect(lines(plan(roomy))).toEqual(["schedule new.service b"]);
    expect(lines(plan(stateOf(one, { ...low, "new.service": cpu(3000) })))).toEqual([]);
  });

  it("takes the followers of whom it pushes, unless they matter more", () => {
    const leader = { "l.service": { ...cpu(1500), priority: 1, on: "a" } };
    const follower = { machineOf: ["l.service"], on: "a" };
    const fresh = { "new.service": cpu(1500) };
    const state = stateOf(one, { ...leader, "f.service": { ...follower, priority: 2 }, ...fresh });
    expect(lines(plan(state))).toEqual([
      "unschedule f.service a",
      "unschedule l.service a",
      "schedule new.service a",
    ]);
    const firm = stateOf(one, { ...leader, "f.service": { ...follower, priority: 90 }, ...fresh });
    expect(lines(plan(firm))).toEqual([]);
  });
});

describe("rebalance", () => {
  it("evens out, within its bound", () => {
    const units = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`u${i}.service`, { on: "a" }]),
    );
    const scheduler = Scheduler.of(stateOf(["a", "b", "c"], units));
    expect(scheduler.rebalance(2)).toHaveLength(4);
    scheduler.applyActions(scheduler.rebalance(100));
    expect(scheduler.plan().actions).toEqual([]);
    const loads = scheduler.explain("u0.service").map(({ load }) => load);
    expect(loads).toEqual([3, 3, 3]);
    expect(scheduler.rebalance(100)).toEqual([]);
  });

  it("empties machines where the cluster is packed, wholly or not at all", () => {
    const machines = { a: { capacity: { cpu: 4 } }, b: { capacity: { cpu: 4 } } };
    const units = {
      "1.service": { ...cpu(3), on: "a" },
      "2.service": { ...cpu(1), on: "b" },
    };
    const scheduler = Scheduler.of(stateOf(machines, units, "pack"));
    expect(scheduler.rebalance(1).map(({ type, unit }) => `${type} ${unit}`)).toEqual([
      "unschedule 2.service",
      "schedule 2.service",
    ]);
    const tight = { ...units, "3.service": { ...cpu(1), on: "b" } };
    expect(Scheduler.of(stateOf(machines, tight, "pack")).rebalance(9)).toEqual([]);
  });

  it("breaks no rule, leaves nothing to plan that was not before, and keeps its bound", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = new Random(seed);
      const state = randomState(random);
      const settled = { ...state, placements: applied(state, plan(state)) };
      const moves = Scheduler.of(settled).rebalance(2);
      expect(moves.length).toBeLessThanOrEqual(4);
      const after = applied(settled, { actions: moves, waiting: [] });
      expect([...new Oracle(settled).violations(after)], `seed ${seed}`).toEqual([]);
    }
  });
});
