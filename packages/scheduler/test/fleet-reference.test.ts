import { isValidUnitName, loadUnit, parseUnitFile } from "@flotilla/units";
import { describe, expect, it } from "vitest";
import { type ClusterState, explain, type Machine, plan, type UnitJob } from "../src/index.js";
import { applied } from "./states.js";

/** Options of fleet, as they stand in a file, by what its source and its own tests say of them. */
function load(name: string, options: string) {
  const text = `[Service]\nExecStart=/bin/true\n[X-Fleet]\n${options}\n`;
  return loadUnit(name, parseUnitFile(text, { file: name }));
}

function unit(name: string, options = ""): UnitJob {
  const { unit: model, diagnostics } = load(name, options);
  if (model === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return { name, desired: "launched", fleet: model.fleet };
}

const machine = (id: string, metadata: Record<string, string> = {}): Machine => {
  return { id, metadata, schedulable: true };
};

/** Unit → machine after the plan of units that are nowhere, or where `at` says. */
function placed(
  machines: readonly Machine[],
  units: readonly UnitJob[],
  at: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const state: ClusterState = { machines, units, placements: new Map(Object.entries(at)) };
  return Object.fromEntries([...applied(state, plan(state))].sort());
}

const A = "aaaaaaaa000000000000000000000000";
const B = "bbbbbbbb000000000000000000000000";
const both = [machine(A), machine(B)];

describe("MachineID", () => {
  it("takes the full ID or the one of eight characters", () => {
    for (const id of [B, B.slice(0, 8)]) {
      expect(placed(both, [unit("x.service", `MachineID=${id}`)])).toEqual({ "x.service": B });
    }
    expect(placed(both, [unit("x.service", `MachineID=${B.slice(0, 9)}`)])).toEqual({});
  });

  it("lets the first value win", () => {
    const pinned = unit("x.service", `MachineID=${B}\nMachineID=${A}`);
    expect(placed(both, [pinned])).toEqual({ "x.service": B });
  });

  it.each([["X-ConditionMachineID"], ["X-ConditionMachineBootID"]])("was %s once", (legacy) => {
    expect(placed(both, [unit("x.service", `${legacy}=${B}`)])).toEqual({ "x.service": B });
  });
});

describe("MachineMetadata", () => {
  const eu = machine("eu-ssd", { region: "eu", disk: "ssd" });
  const us = machine("us-ssd", { region: "us", disk: "ssd" });
  const hdd = machine("eu-hdd", { region: "eu", disk: "hdd" });
  const able = (options: string): string[] =>
    explain(
      { machines: [eu, us, hdd], units: [unit("x.service", options)], placements: new Map() },
      "x.service",
    )
      .filter(({ refusals }) => refusals.length === 0)
      .map(({ machine: id }) => id);

  it("lets one of a key's values do", () => {
    expect(able("MachineMetadata=region=eu\nMachineMetadata=region=us")).toHaveLength(3);
    expect(able('MachineMetadata="region=us" "region=ap"')).toEqual(["us-ssd"]);
  });

  it("wants every key", () => {
    expect(able('MachineMetadata="region=eu" "disk=ssd"')).toEqual(["eu-ssd"]);
    expect(able("MachineMetadata=rack=1")).toEqual([]);
  });

  it("was X-ConditionMachineMetadata once", () => {
    expect(able("X-ConditionMachineMetadata=disk=hdd")).toEqual(["eu-hdd"]);
  });

  it("says where one is malformed, which fleet dropped in silence: MachineMetadata=foo=a=b", () => {
    const { unit: model, diagnostics } = load("x.service", "MachineMetadata=foo=a=b");
    expect(model).toBeUndefined();
    expect(diagnostics[0]).toMatchObject({ file: "x.service", span: { start: { line: 4 } } });
  });
});

describe("MachineOf", () => {
  it("goes where all that are named are, and nowhere while one is missing", () => {
    const follower = unit("f.service", "MachineOf=a.service\nMachineOf=b.service");
    const leaders = [unit("a.service"), unit("b.service")];
    expect(placed(both, [...leaders, follower], { "a.service": A, "b.service": A })).toMatchObject({
      "f.service": A,
    });
    const apart = { "a.service": A, "b.service": B };
    expect(placed(both, [...leaders, follower], apart)).toEqual(apart);
    expect(placed(both, [unit("f.service", "MachineOf=a.service")])).toEqual({});
  });

  it("binds the follower alone, never the leader", () => {
    const units = [unit("a.service"), unit("f.service", "MachineOf=a.service")];
    expect(placed([machine(A)], units.slice(0, 1))).toEqual({ "a.service": A });
  });

  it("is not split at spaces, and takes no globs", () => {
    expect(load("f.service", "MachineOf=a.service b.service").unit).toBeUndefined();
    expect(load("f.service", "MachineOf=a*.service").unit).toBeUndefined();
  });

  it("was X-ConditionMachineOf once", () => {
    const units = [unit("a.service"), unit("f.service", "X-ConditionMachineOf=a.service")];
    expect(placed(both, units, { "a.service": B })).toMatchObject({ "f.service": B });
  });
});

describe("Conflicts", () => {
  const there = { "there@1.service": A };
  const beside = (options: string, name = "x.service"): boolean =>
    placed([machine(A)], [unit("there@1.service"), unit(name, options)], there)[name] === A;

  it("is split at spaces, and matches as Go's path.Match does", () => {
    expect(beside("Conflicts=other.service there@*.service")).toBe(false);
    expect(beside("Conflicts=there@?.service")).toBe(false);
    expect(beside("Conflicts=there")).toBe(true);
  });

  it("keeps both away, whichever of them declares it", () => {
    const quiet = unit("quiet.service");
    const loud = unit("loud.service", "Conflicts=quiet.service");
    expect(placed([machine(A)], [quiet, loud], { "quiet.service": A })).toEqual({
      "quiet.service": A,
    });
    expect(placed([machine(A)], [quiet, loud], { "loud.service": A })).toEqual({
      "loud.service": A,
    });
  });

  it("never means the unit itself", () => {
    expect(placed([machine(A)], [unit("x@1.service", "Conflicts=x@*.service")])).toEqual({
      "x@1.service": A,
    });
  });

  it("was X-Conflicts once", () => {
    expect(beside("X-Conflicts=there@*.service")).toBe(false);
  });
});

describe("Replaces", () => {
  it("is one glob, not split, and moves its victim to another machine", () => {
    const kick = unit("kick.service", "Replaces=old*.service");
    const moved = placed([machine(A), machine(B, {})], [unit("old1.service"), kick], {
      "old1.service": A,
    });
    expect(new Set(Object.values(moved)).size).toBe(2);
    const { unit: model } = load("kick.service", "Replaces=a.service b.service");
    expect(model?.fleet.replaces).toBe("a.service b.service");
  });

  it("is ignored where it is mutual", () => {
    const units = [
      unit("a.service", "Replaces=b.service"),
      unit("b.service", "Replaces=a.service"),
    ];
    expect(placed([machine(A)], units, { "a.service": A })).toEqual({
      "a.service": A,
      "b.service": A,
    });
  });
});

describe("Global", () => {
  it.each([
    ["true", true],
    ["yes", true],
    ["1", true],
    ["on", true],
    ["t", true],
    ["TRUE", true],
    ["12", false],
    ["no", false],
    ["true\nGlobal=false", false],
    ["false\nGlobal=Yes", true],
  ])("Global=%j is %s", (value, expected) => {
    expect(unit("x.service", `Global=${value}`).fleet.global).toBe(expected);
  });
});

describe("options that cannot stand together", () => {
  it.each([
    [`MachineID=${A}\nMachineOf=a.service`],
    [`MachineID=${A}\nConflicts=a.service`],
    [`MachineID=${A}\nGlobal=true`],
    [`MachineID=${A}\nReplaces=a.service`],
    ["Global=true\nMachineOf=a.service"],
    ["Global=true\nReplaces=a.service"],
    ["Conflicts=a.service\nReplaces=b.service"],
    ["Conflicts=b*e\nMachineOf=bar.service"],
    ["Replaces=b*\nMachineOf=bar.service"],
  ])("%j", (options) => {
    expect(load("foo.service", options).unit).toBeUndefined();
  });

  it.each([
    ["Global=true\nMachineMetadata=a=b\nConflicts=c.service"],
    [`MachineID=${A}\nMachineMetadata=a=b`],
    ["MachineOf=a.service\nConflicts=b.service\nMachineMetadata=a=b"],
  ])("%j can", (options) => {
    expect(load("foo.service", options).unit).toBeDefined();
  });
});

describe("names, specifiers, quotes", () => {
  it("takes the instance from the first @ to the last dot: foo@bar@baz.service", () => {
    expect(unit("foo@bar@baz.service", "MachineMetadata=i=%i").fleet.machineMetadata).toEqual(
      new Map([["i", ["bar@baz"]]]),
    );
  });

  it("replaces %n %N %p %i, and %i by nothing where there is no instance", () => {
    const options = "Conflicts=%p-a.service %N-b.service %i-c.service c-%n";
    expect(unit("foo@1.service", options).fleet.conflicts).toEqual([
      "foo-a.service",
      "foo@1-b.service",
      "1-c.service",
      "c-foo@1.service",
    ]);
    expect(unit("foo.service", "Conflicts=x%i.service").fleet.conflicts).toEqual(["x.service"]);
  });

  it('unquotes only a line that starts and ends with a quote: "bar stays', () => {
    const conflictsOf = (line: string) => unit("x.service", `Conflicts=${line}`).fleet.conflicts;
    expect(conflictsOf('"bar')).toEqual(['"bar']);
    expect(conflictsOf('"bar" "')).toEqual(["bar"]);
    expect(conflictsOf('"a.service" "b.service"')).toEqual(["a.service", "b.service"]);
  });

  it.each([
    ["foo.servICE", false],
    ["this+that.mount", false],
    ["@foo.service", false],
    [`${"x".repeat(249)}.service`, false],
    ["foo@bar@baz.service", true],
    ["x.target", true],
  ])("%s: valid is %s", (name, valid) => {
    expect(isValidUnitName(name)).toBe(valid);
  });
});

describe("the engine's order and words", () => {
  it("tests MachineID, MachineMetadata, MachineOf, Conflicts, Replaces", () => {
    const all = { machineId: B, machineOf: ["gone.service"], conflicts: ["there.service"] };
    const hard: UnitJob = {
      name: "hard.service",
      desired: "launched",
      fleet: { ...all, machineMetadata: new Map([["a", ["b"]]]), replaces: "x*", global: false },
    };
    const units = [hard, unit("there.service"), unit("kick.service", "Replaces=hard.service")];
    const placements = new Map([
      ["there.service", A],
      ["kick.service", A],
    ]);
    const [verdict] = explain({ machines: [machine(A)], units, placements }, "hard.service");
    expect(verdict?.refusals.map(({ option }) => option)).toEqual([
      "MachineID",
      "MachineMetadata",
      "MachineOf",
      "Conflicts",
      "Replaces",
    ]);
  });

  it("takes the machine with the fewest units, global ones counted, ties by ID", () => {
    const global = unit("g.service", "Global=true\nMachineMetadata=role=edge");
    const machines = [machine("a", { role: "edge" }), machine("b"), machine("c")];
    const order = placed(machines, [global, unit("1.service"), unit("2.service")]);
    expect(order).toEqual({ "1.service": "b", "2.service": "c" });
  });

  it.each([
    ["target state inactive", { ...unit("x.service"), desired: "inactive" as const }, A],
    ["target Machine(gone) went away", unit("x.service"), "gone"],
    [
      `target Machine(${A}) unable to run unit: needs MachineID=${B}, which is not the ID`,
      unit("x.service", `MachineID=${B}`),
      A,
    ],
  ])("says %j", (reason, job, at) => {
    const placements = new Map([["x.service", at]]);
    expect(plan({ machines: both, units: [job], placements }).actions[0]?.reason).toBe(reason);
  });
});
