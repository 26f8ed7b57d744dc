import { describe, expect, it } from "vitest";
import type { ActiveState } from "../types.js";
import { DependencyGraph, type Relation } from "./graph.js";
import type { JobType } from "./job-type.js";
import { findOrderingCycle, mustWait } from "./ordering.js";
import { planTransaction } from "./transaction.js";

type Edge = readonly [from: string, relation: Relation, to: string];

function graphOf(...edges: readonly Edge[]): DependencyGraph {
  const graph = new DependencyGraph();
  for (const edge of edges) graph.add(...edge);
  return graph;
}

/** The jobs as "type unit", sorted; or the reason of the refusal. */
function plan(
  type: JobType,
  unit: string,
  edges: readonly Edge[],
  states: Record<string, ActiveState | "builtin" | "absent"> = {},
): string[] | string {
  const transaction = planTransaction({
    type,
    units: [unit],
    graph: graphOf(...edges),
    stateOf: (name) => states[name] ?? "inactive",
    jobOf: () => undefined,
  });
  if (!transaction.ok) return transaction.reason;
  return transaction.jobs.map((job) => `${job.type} ${job.unit}`).sort();
}

describe("start", () => {
  it("pulls in what is required, bound to, wanted and upheld, and theirs", () => {
    const edges: Edge[] = [
      ["a", "requires", "b"],
      ["a", "bindsTo", "c"],
      ["a", "wants", "d"],
      ["a", "upholds", "e"],
      ["b", "wants", "f"],
      ["a", "partOf", "g"],
      ["a", "after", "h"],
    ];
    const jobs = ["a", "b", "c", "d", "e", "f"].map((unit) => `start ${unit}`);
    expect(plan("start", "a", edges)).toEqual(jobs);
  });

  it("leaves alone what is active already, except the unit asked for", () => {
    const edges: Edge[] = [["a", "requires", "b"]];
    expect(plan("start", "a", edges, { a: "active", b: "active" })).toEqual(["start a"]);
  });

  it("verifies what must be active already", () => {
    const edges: Edge[] = [["a", "requisite", "b"]];
    expect(plan("start", "a", edges)).toEqual(["start a", "verify-active b"]);
    expect(plan("start", "a", edges, { b: "active" })).toEqual(["start a"]);
  });

  it("stops what it conflicts with, from either side", () => {
    const states = { b: "active", c: "active" } as const;
    const edges: Edge[] = [
      ["a", "conflicts", "b"],
      ["c", "conflicts", "a"],
      ["d", "requires", "b"],
    ];
    expect(plan("start", "a", edges, states)).toEqual(["start a", "stop b", "stop c"]);
    expect(plan("start", "a", edges, { ...states, d: "active" })).toContain("stop d");
  });

  it("is refused when something required is absent, not when it is only wanted or built in", () => {
    expect(plan("start", "a", [["a", "requires", "b"]], { b: "absent" })).toBe("missing");
    expect(plan("start", "a", [["a", "requires", "b"]], { b: "builtin" })).toEqual(["start a"]);
    expect(plan("start", "a", [["a", "wants", "b"]], { b: "absent" })).toEqual(["start a"]);
    const deep: Edge[] = [
      ["a", "wants", "b"],
      ["b", "wants", "c"],
      ["b", "requires", "d"],
    ];
    expect(plan("start", "a", deep, { d: "absent" })).toEqual(["start a"]);
  });

  it("is refused when it contradicts itself, and drops what is only wanted", () => {
    const required: Edge[] = [
      ["a", "requires", "b"],
      ["a", "conflicts", "b"],
    ];
    expect(plan("start", "a", required)).toBe("conflict");
    const wanted: Edge[] = [
      ["a", "wants", "b"],
      ["a", "conflicts", "b"],
    ];
    expect(plan("start", "a", wanted, { b: "active" })).toEqual(["start a", "stop b"]);
  });
});

describe("stop and restart", () => {
  const edges: Edge[] = [
    ["r", "requires", "a"],
    ["q", "requisite", "a"],
    ["b", "bindsTo", "a"],
    ["p", "partOf", "a"],
    ["w", "wants", "a"],
    ["rr", "requires", "r"],
    ["a", "requires", "x"],
  ];
  const active = Object.fromEntries(
    ["a", "r", "q", "b", "p", "w", "rr", "x"].map((unit) => [unit, "active" as const]),
  );

  it("takes along what requires the unit, is bound to it or part of it", () => {
    const jobs = ["a", "b", "p", "q", "r", "rr"].map((unit) => `stop ${unit}`);
    expect(plan("stop", "a", edges, active)).toEqual(jobs);
    expect(plan("stop", "a", edges, { ...active, r: "inactive", rr: "failed" })).toEqual(
      jobs.filter((job) => !job.endsWith(" r") && !job.endsWith(" rr")),
    );
  });

  it("restarts those of them that are active", () => {
    expect(plan("restart", "a", edges, { ...active, p: "inactive" })).toEqual([
      "restart a",
      ...["b", "q", "r", "rr"].map((unit) => `try-restart ${unit}`),
    ]);
  });
});

describe("order", () => {
  const job = (type: JobType, unit: string) => ({ type, unit });

  it("is After= on start, its reverse on stop, and a stop before a start", () => {
    const graph = graphOf(["a", "after", "b"]);
    const waits = (a: JobType, b: JobType) => [
      mustWait(job(a, "a"), job(b, "b"), graph),
      mustWait(job(b, "b"), job(a, "a"), graph),
    ];
    expect(waits("start", "start")).toEqual([true, false]);
    expect(waits("stop", "stop")).toEqual([false, true]);
    expect(waits("stop", "start")).toEqual([false, true]);
    expect(waits("start", "stop")).toEqual([true, false]);
    expect(waits("restart", "start")).toEqual([false, true]);
    expect(mustWait(job("start", "x"), job("start", "y"), graph)).toBe(false);
  });

  it("refuses a cycle of jobs that all matter and shows it", () => {
    const edges: Edge[] = [
      ["a", "requires", "b"],
      ["b", "requires", "c"],
      ["a", "after", "b"],
      ["b", "after", "c"],
      ["c", "after", "a"],
    ];
    const transaction = planTransaction({
      type: "start",
      units: ["a"],
      graph: graphOf(...edges),
      stateOf: () => "inactive",
      jobOf: () => undefined,
    });
    expect(transaction).toMatchObject({ ok: false, reason: "cycle" });
    expect(transaction).toHaveProperty("message", "Ordering cycle: a → b → c → a");
  });

  it("breaks a cycle at a job that is only wanted, with what only that pulled in", () => {
    const edges: Edge[] = [
      ["a", "requires", "b"],
      ["b", "wants", "c"],
      ["c", "requires", "d"],
      ["a", "after", "b"],
      ["b", "after", "c"],
      ["c", "after", "a"],
    ];
    expect(plan("start", "a", edges)).toEqual(["start a", "start b"]);
  });

  it("finds cycles behind long chains without recursion", () => {
    const edges = Array.from({ length: 20_000 }, (_, i): Edge => [`u${i}`, "after", `u${i + 1}`]);
    const jobs = Array.from({ length: 20_001 }, (_, i) => job("start", `u${i}`));
    expect(findOrderingCycle(jobs, graphOf(...edges))).toBeUndefined();
    const closed = graphOf(...edges, ["u20000", "after", "u19999"]);
    expect(findOrderingCycle(jobs, closed)?.map(({ unit }) => unit)).toEqual(["u19999", "u20000"]);
  });
});
