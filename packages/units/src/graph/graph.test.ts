import { describe, expect, it } from "vitest";
import { loadUnit } from "../model/load.js";
import { parseUnitFile } from "../syntax/parse.js";
import type { UnitModel } from "../types.js";
import { dependencyGraph, formatDot, orderingCycles } from "./graph.js";

function target(name: string, body: string): UnitModel {
  return loadUnit(name, parseUnitFile(`[Unit]\n${body}`)).unit!;
}

describe("the dependency graph", () => {
  it("has an edge for each dependency and for what is triggered", () => {
    const timer = loadUnit("t.timer", parseUnitFile("[Timer]\nOnCalendar=daily\n")).unit!;
    const graph = dependencyGraph([target("a.target", "Wants=b.target\nAfter=b.target\n"), timer]);
    expect(graph.units).toEqual(["a.target", "b.target", "t.service", "t.timer"]);
    expect(graph.edges.map(({ from, kind, to }) => `${from} ${kind} ${to}`)).toEqual([
      "a.target wants b.target",
      "a.target after b.target",
      "t.timer triggers t.service",
    ]);
    expect(formatDot(graph)).toContain('"a.target" -> "b.target" [color="green" label="after"]');
  });

  it("shows a shortest cycle of each knot", () => {
    const graph = dependencyGraph([
      target("a.target", "After=b.target\n"),
      target("b.target", "After=c.target d.target\n"),
      target("c.target", "Before=x.target\nAfter=a.target\n"),
      target("d.target", "After=c.target\n"),
      target("m.target", "Before=n.target\nAfter=n.target\n"),
      target("z.target", "After=z.target\n"),
    ]);
    expect(orderingCycles(graph)).toEqual([
      ["a.target", "c.target", "b.target"],
      ["m.target", "n.target"],
      ["z.target"],
    ]);
  });

  it("finds none in a long chain", () => {
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      target(`u${index}.target`, `After=u${index + 1}.target\n`),
    );
    expect(orderingCycles(dependencyGraph(chain))).toEqual([]);
  });
});
