import { describe, expect, it } from "vitest";
import { canRunGlobal, explain, globalUnitsFor, plan } from "../src/index.js";
import { lines, next, placed, stateOf } from "./states.js";

describe("unschedule pass", () => {
  it.each([
    ["inactive", { desired: "inactive", on: "a" } as const, "target state inactive"],
    ["gone machine", { on: "z" }, "target Machine(z) went away"],
    [
      "MachineID",
      { machineId: "b", on: "a" },
      "target Machine(a) unable to run unit: needs MachineID=b, which is not the ID",
    ],
    [
      "MachineMetadata",
      { metadata: { region: ["eu", "us"] }, on: "a" },
      "target Machine(a) unable to run unit: needs region=eu or us, found asia",
    ],
    [
      "MachineOf",
      { machineOf: ["peer.service"], on: "a" },
      "target Machine(a) unable to run unit: needs peer.service, not",
    ],
    [
      "Conflicts",
      { conflicts: ["stays.service"], on: "a" },
      "target Machine(a) unable to run unit: conflicts with stays.service",
    ],
    ["draining", { on: "d" }, "target Machine(d) unable to run unit: draining"],
    ["global", { global: true, on: "a" }, "unit is global now"],
  ])("says why a unit leaves: %s", (_, unit, reason) => {
    const machines = { a: { metadata: { region: "asia" } }, d: { schedulable: false } };
    const state = stateOf(machines, { "stays.service": { on: "a" }, "unit.service": unit });
    const { actions } = plan(state);
    expect(actions[0]).toEqual({
      type: "unschedule",
      unit: "unit.service",
      machine: unit.on,
      reason,
    });
  });

  it("ends placements of units that are no more", () => {
    const state = { ...stateOf(["a"], {}), placements: new Map([["old.service", "a"]]) };
    expect(plan(state).actions).toEqual([
      { type: "unschedule", unit: "old.service", machine: "a", reason: "unit no longer exists" },
    ]);
  });

  it("lets the one go that conflicts with many", () => {
    const state = stateOf(["a"], {
      "1.service": { on: "a" },
      "2.service": { on: "a" },
      "0-hub.service": { conflicts: ["[12].service"], on: "a" },
    });
    expect(lines(plan(state))).toEqual(["unschedule 0-hub.service a"]);
  });

  it("moves followers of a unit that must move, and only those", () => {
    const state = stateOf(["a", "b"], {
      "leader.service": { machineId: "b", on: "a" },
      "follower.service": { machineOf: ["leader.service"], on: "a" },
      "deeper.service": { machineOf: ["follower.service"], on: "a" },
      "other.service": { on: "a" },
    });
    expect(lines(plan(state))).toEqual([
      "unschedule deeper.service a",
      "unschedule follower.service a",
      "unschedule leader.service a",
      "schedule leader.service b",
      "schedule follower.service b",
      "schedule deeper.service b",
    ]);
  });

  it("moves only what a lost machine had", () => {
    const units = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`u${i}.service`, { on: "abc"[i % 3]! }]),
    );
    const { actions } = plan(stateOf(["a", "b"], units));
    expect(new Set(actions.map(({ unit }) => unit))).toEqual(
      new Set(["u2.service", "u5.service", "u8.service", "u11.service"]),
    );
  });
});

describe("schedule pass", () => {
  it("takes the least loaded machine, ties by ID", () => {
    const state = stateOf(["b", "a", "c"], { "x.service": { on: "a" }, "y.service": {} });
    expect(plan(state).actions).toEqual([
      {
        type: "schedule",
        unit: "y.service",
        machine: "b",
        reason: "target state launched and unit not scheduled",
      },
    ]);
  });

  it("counts global units as load, wherever they run", () => {
    const state = stateOf(
      { a: { metadata: { big: "yes" } }, b: {} },
      { "g.service": { global: true, metadata: { big: ["yes"] } }, "u.service": {} },
    );
    expect(placed(state)).toEqual({ "u.service": "b" });
    const stopped = stateOf(
      { a: {}, b: {} },
      { "g.service": { global: true, desired: "inactive" }, "u.service": {} },
    );
    expect(placed(stopped)).toEqual({ "u.service": "a" });
  });

  it("places loaded units as well, in fleet's words", () => {
    const { actions } = plan(stateOf(["a"], { "u.service": { desired: "loaded" } }));
    expect(actions[0]?.reason).toBe("target state loaded and unit not scheduled");
  });

  it("finds the machine that suits a whole chain, not the leader alone", () => {
    const state = stateOf(
      { a: {}, b: { metadata: { disk: "ssd" } } },
      {
        "db.service": {},
        "backup.service": { machineOf: ["db.service"], metadata: { disk: ["ssd"] } },
      },
    );
    expect(placed(state)).toEqual({ "backup.service": "b", "db.service": "b" });
  });

  it("runs a leader whose follower can run nowhere", () => {
    const state = stateOf(["a"], {
      "db.service": {},
      "backup.service": { machineOf: ["db.service"], metadata: { disk: ["ssd"] } },
    });
    expect(placed(state)).toEqual({ "db.service": "a" });
    expect(plan(state).unplaced[0]?.reason).toBe("needs disk=ssd, found no disk on a");
  });

  it("brings two leaders of one follower together", () => {
    const state = stateOf(["a", "b"], {
      "l1.service": {},
      "l2.service": {},
      "follower.service": { machineOf: ["l1.service", "l2.service"] },
    });
    expect(new Set(Object.values(placed(state)))).toEqual(new Set(["a"]));
  });

  it("never places a circle of MachineOf=", () => {
    const state = stateOf(["a"], {
      "x.service": { machineOf: ["y.service"] },
      "y.service": { machineOf: ["x.service"] },
    });
    expect(plan(state).actions).toEqual([]);
    expect(plan(state).unplaced.map(({ reason }) => reason)).toEqual([
      "needs y.service, not on a",
      "needs x.service, not on a",
    ]);
  });

  it("follows a global unit to where it runs", () => {
    const state = stateOf(
      { a: {}, b: { metadata: { gpu: "1" } } },
      {
        "driver.service": { global: true, metadata: { gpu: ["1"] } },
        "job.service": { machineOf: ["driver.service"] },
      },
    );
    expect(placed(state)).toEqual({ "job.service": "b" });
  });

  it("does not let a unit conflict with itself", () => {
    expect(placed(stateOf(["a"], { "x@1.service": { conflicts: ["x@*.service"] } }))).toEqual({
      "x@1.service": "a",
    });
  });

  it.each([
    ["*", true],
    ["foo@*.service", true],
    ["foo@[ab]1.service", true],
    ["foo@?1.service", true],
    ["foo@a1.service", true],
    ["f*", true],
    ["foo.service", false],
    ["foo@[cd]1.service", false],
    ["foo@[", false],
    ["", false],
  ])("matches Conflicts=%s by path.Match: %s", (glob, conflicts) => {
    const state = stateOf(["a"], {
      "foo@a1.service": { on: "a" },
      "x.service": { conflicts: [glob] },
    });
    expect(plan(state).unplaced.length > 0).toBe(conflicts);
  });

  it("takes a metadata key from no prototype", () => {
    const unit = { "u.service": { metadata: { constructor: ["x"] } } };
    expect(plan(stateOf(["a"], unit)).unplaced[0]?.reason).toBe(
      "needs constructor=x, found no constructor on a",
    );
  });
});

describe("Replaces", () => {
  const victim = { "victim.service": { on: "a" } };
  const pinned = { "new.service": { replaces: "victim.service", machineId: "a" } };

  it("checks the victim's constraints on the way to its new machine", () => {
    const units = { ...pinned, "victim.service": { on: "a", conflicts: ["b-only.service"] } };
    const state = stateOf(["a", "b", "c"], { ...units, "b-only.service": { on: "b" } });
    expect(placed(state)).toMatchObject({ "new.service": "a", "victim.service": "c" });
  });

  it("leaves a victim that has nowhere to go, and says so", () => {
    const state = stateOf(["a"], { ...pinned, ...victim });
    expect(placed(state)).toEqual({ "victim.service": "a" });
    expect(plan(state).unplaced).toEqual([
      {
        unit: "new.service",
        reason: "replaces victim.service, which cannot move elsewhere, on a",
        refusals: [
          {
            machine: "a",
            option: "Replaces",
            reason: "replaces victim.service, which cannot move elsewhere,",
          },
        ],
      },
    ]);
  });

  it("takes the victim's followers along", () => {
    const follower = { "follower.service": { machineOf: ["victim.service"], on: "a" } };
    const state = stateOf(["a", "b"], { ...pinned, ...victim, ...follower });
    expect(lines(plan(state))).toEqual([
      "unschedule follower.service a",
      "unschedule victim.service a",
      "schedule victim.service b",
      "schedule follower.service b",
      "schedule new.service a",
    ]);
  });

  it("keeps the victim away afterwards", () => {
    const state = stateOf(["a"], {
      "new.service": { replaces: "v*.service", on: "a" },
      "victim.service": {},
    });
    expect(plan(state).unplaced[0]?.reason).toBe("replaced by new.service on a");
  });

  it("lets those stay whom only a leaver would have replaced", () => {
    const state = stateOf(["a", "b", "c"], {
      "r.service": { replaces: "v.service", on: "a" },
      "v.service": { replaces: "w.service", on: "a" },
      "w.service": { on: "a" },
    });
    expect(lines(plan(state))).toEqual(["unschedule v.service a", "schedule v.service b"]);
  });

  it("lets global units that waited for the victim come", () => {
    const onlyA = { metadata: { name: ["a"] } };
    const state = stateOf(
      { a: { metadata: { name: "a" } }, b: {} },
      {
        ...victim,
        "g.service": { global: true, conflicts: ["victim.service", "z.service"], ...onlyA },
        "new.service": { replaces: "victim.service", ...onlyA },
        "z.service": onlyA,
      },
    );
    expect(placed(state)).toEqual({ "new.service": "a", "victim.service": "b" });
    expect(plan(state).unplaced.map(({ unit }) => unit)).toEqual(["z.service"]);
  });

  it("places whom the victim kept out", () => {
    const onlyA = { metadata: { name: ["a"] } };
    const state = stateOf(
      { a: { metadata: { name: "a" } }, b: {} },
      {
        ...victim,
        "early.service": { conflicts: ["victim.service"], ...onlyA },
        "new.service": { replaces: "victim.service", ...onlyA },
      },
    );
    expect(placed(state)).toEqual({
      "early.service": "a",
      "new.service": "a",
      "victim.service": "b",
    });
  });

  it("ends a pair that stands together since the option was added", () => {
    const state = stateOf(["a", "b"], {
      "new.service": { replaces: "victim.service", on: "a" },
      ...victim,
    });
    expect(plan(state).actions[0]).toEqual({
      type: "unschedule",
      unit: "victim.service",
      machine: "a",
      reason: "target Machine(a) unable to run unit: replaced by new.service",
    });
    expect(placed(state)).toEqual({ "new.service": "a", "victim.service": "b" });
  });
});

describe("global units", () => {
  const machine = { id: "a", metadata: { role: "edge" }, schedulable: true };

  it("yield to what is placed, and keep others from being placed", () => {
    const conflicts = ["proxy.service"];
    const there = stateOf({ a: machine }, { "proxy.service": { on: "a" } });
    const state = {
      ...there,
      units: [...there.units, ...stateOf([], { "g.service": { global: true, conflicts } }).units],
    };
    expect(globalUnitsFor(machine, state)).toEqual([]);
    expect(plan(state).actions).toEqual([]);
    const fresh = { ...state, placements: new Map<string, string>() };
    expect(globalUnitsFor(machine, fresh)).toEqual(["g.service"]);
    expect(plan(fresh).unplaced[0]?.reason).toBe("conflicts with g.service on a");
  });

  it("run by MachineMetadata, while wanted, and not on a machine that drains", () => {
    const state = stateOf(
      { a: machine },
      {
        "edge.service": { global: true, metadata: { role: ["edge"] } },
        "core.service": { global: true, metadata: { role: ["core"] } },
        "off.service": { global: true, desired: "inactive" },
      },
    );
    expect(globalUnitsFor(machine, state)).toEqual(["edge.service"]);
    expect(globalUnitsFor({ ...machine, schedulable: false }, state)).toEqual([]);
    expect(state.units.map((unit) => canRunGlobal(unit, machine, state))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("explain", () => {
  it("tells all that speaks against each machine, and the load", () => {
    const state = stateOf(
      { a: { metadata: { disk: "hdd" } }, b: {}, c: { schedulable: false } },
      {
        "u.service": { metadata: { disk: ["ssd"] }, conflicts: ["v.service"] },
        "v.service": { on: "a" },
      },
    );
    expect(
      explain(state, "u.service").map(({ machine, load, refusals }) => [
        machine,
        load,
        refusals.map(({ reason }) => reason),
      ]),
    ).toEqual([
      ["a", 1, ["needs disk=ssd, found hdd", "conflicts with v.service"]],
      ["b", 0, ["needs disk=ssd, found no disk"]],
      ["c", 0, ["draining", "needs disk=ssd, found no disk"]],
    ]);
    expect(explain(state, "v.service")[0]).toMatchObject({
      machine: "a",
      load: 1,
      current: true,
      refusals: [],
    });
    expect(explain(state, "none.service")).toEqual([]);
  });

  it("shortens the one line when there are many machines", () => {
    const ids = Array.from({ length: 9 }, (_, i) => `${i}`.repeat(32));
    const state = stateOf(ids, { "u.service": { metadata: { x: ["y"] } } });
    expect(plan(state).unplaced[0]?.reason).toBe(
      "needs x=y, found no x on 00000000, 11111111, 22222222 and 6 more",
    );
    expect(plan(state).unplaced[0]?.refusals).toHaveLength(9);
    expect(plan(stateOf([], { "u.service": {} })).unplaced[0]?.reason).toBe(
      "there are no machines",
    );
  });
});

it("is idle once its plan was applied", () => {
  const state = next(stateOf(["a", "b"], { "x.service": {}, "y.service": { conflicts: ["x*"] } }));
  expect(plan(state)).toEqual({ actions: [], waiting: [], unplaced: [] });
});
