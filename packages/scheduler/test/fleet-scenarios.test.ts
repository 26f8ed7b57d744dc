import { describe, expect, it } from "vitest";
import { globalUnitsFor, plan } from "../src/index.js";
import { lines, next, placed, stateOf, type UnitOptions } from "./states.js";

/** The nine scheduling scenarios of fleet's functional suite, with its unit files. */
describe("fleet's functional scheduling scenarios", () => {
  it("ScheduleMachineOf: pairs share a machine and migrate together", () => {
    const pairs: Record<string, UnitOptions> = {};
    for (const i of [0, 1, 2]) {
      pairs[`ping.${i}.service`] = {};
      pairs[`pong.${i}.service`] = { machineOf: [`ping.${i}.service`] };
    }
    const before = next(stateOf(["a", "b", "c"], pairs));
    const home = before.placements.get("ping.1.service");
    for (const i of [0, 1, 2]) {
      expect(before.placements.get(`pong.${i}.service`)).toBe(
        before.placements.get(`ping.${i}.service`),
      );
    }
    expect(new Set(before.placements.values()).size).toBe(3);

    const without = { ...before, machines: before.machines.filter(({ id }) => id !== home) };
    const after = next(without);
    expect(after.placements.get("ping.1.service")).not.toBe(home);
    expect(after.placements.get("pong.1.service")).toBe(after.placements.get("ping.1.service"));
    expect(lines(plan(without))).toHaveLength(4);
  });

  it("ScheduleConflicts: of five that conflict, three run on three machines", () => {
    const units = Object.fromEntries(
      [0, 1, 2, 3, 4].map((i) => [`conflict.${i}.service`, { conflicts: ["conflict.*.service"] }]),
    );
    const state = stateOf(["a", "b", "c"], units);
    expect(placed(state)).toEqual({
      "conflict.0.service": "a",
      "conflict.1.service": "b",
      "conflict.2.service": "c",
    });
    expect(plan(state).unplaced.map(({ unit, reason }) => [unit, reason])).toEqual([
      [
        "conflict.3.service",
        "conflicts with conflict.0.service on a; conflicts with conflict.1.service on b; " +
          "conflicts with conflict.2.service on c",
      ],
      ["conflict.4.service", expect.stringContaining("conflicts with conflict.0.service on a")],
    ]);
  });

  it("ScheduleOneWayConflict: who came first stays, and its end frees the waiter", () => {
    const first = { "conflicts-with-hello.service": { conflicts: ["hello.service"], on: "a" } };
    const both = stateOf(["a"], { ...first, "hello.service": {} });
    expect(placed(both)).toEqual({ "conflicts-with-hello.service": "a" });
    const destroyed = { ...both, units: both.units.filter(({ name }) => name === "hello.service") };
    expect(lines(plan(destroyed))).toEqual([
      "unschedule conflicts-with-hello.service a",
      "schedule hello.service a",
    ]);
  });

  it("ScheduleMultipleConflicts: several names in one Conflicts=", () => {
    const conflicts = [2, 1, 0].map((i) => `conflict.multiple.${i}.service`);
    const state = stateOf(
      ["a", "b", "c"],
      Object.fromEntries(conflicts.map((name) => [name, { conflicts }])),
    );
    expect(new Set(Object.values(placed(state))).size).toBe(3);
  });

  it("ScheduleReplace: the new unit takes the machine, the replaced one moves", () => {
    const started = next(
      stateOf(["a", "b"], {
        "replace.0.service": { on: "a" },
        "replace.1.service": { on: "b" },
        "replace.2.service": { machineOf: ["replace.1.service"] },
      }),
    );
    const kick = stateOf([], { "replace-kick0.service": { replaces: "replace.0.service" } });
    const state = { ...started, units: [...started.units, ...kick.units] };
    expect(placed(state)).toEqual({
      "replace-kick0.service": "a",
      "replace.0.service": "b",
      "replace.1.service": "b",
      "replace.2.service": "b",
    });
    expect(lines(plan(state))[0]).toBe("unschedule replace.0.service a");
  });

  it("ScheduleCircularReplace: nobody moves nobody", () => {
    const units = {
      "replace-kick0.service": { replaces: "replace.0.service" },
      "replace.0.service": { replaces: "replace-kick0.service", on: "a" },
    };
    expect(lines(plan(stateOf(["a"], units)))).toEqual(["schedule replace-kick0.service a"]);
    expect(lines(plan(stateOf(["a", "b"], units)))).toEqual(["schedule replace-kick0.service b"]);
  });

  it("ScheduleConditionMachineID: each to the machine that it names", () => {
    const ids = ["a", "b", "c"].map((c) => `${c.repeat(8)}${"0".repeat(24)}`);
    const units = Object.fromEntries(
      ids.map((id, i) => [`pin@${i}.service`, { machineId: i === 1 ? id.slice(0, 8) : id }]),
    );
    expect(Object.values(placed(stateOf(ids, units)))).toEqual(ids);
  });

  it("ScheduleGlobalUnits: on all machines, beside the others", () => {
    const state = next(
      stateOf(["a", "b", "c"], {
        "hello.service": {},
        "goodbye.service": {},
        "global.service": { global: true },
      }),
    );
    expect([...state.placements.keys()]).toEqual(["goodbye.service", "hello.service"]);
    for (const machine of state.machines) {
      expect(globalUnitsFor(machine, state)).toEqual(["global.service"]);
    }
  });

  it("ScheduleGlobalConflicts: the first by name runs everywhere, the other nowhere", () => {
    const conflicts = ["conflict-global.*.service"];
    const state = stateOf(["a", "b", "c"], {
      "conflict-global.1.service": { global: true, conflicts },
      "conflict-global.0.service": { global: true, conflicts },
    });
    for (const machine of state.machines) {
      expect(globalUnitsFor(machine, state)).toEqual(["conflict-global.0.service"]);
    }
  });
});
