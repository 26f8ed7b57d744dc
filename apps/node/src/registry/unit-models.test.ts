import { describe, expect, it } from "vitest";
import { parseUnit } from "./unit-models.js";

const file = (options: string): string => `[Service]\nExecStart=/x\n[X-Fleet]\n${options}\n`;

describe("parseUnit", () => {
  it("reads the scheduler's options beside fleet's", () => {
    const { model, placement, diagnostics } = parseUnit(
      "web@1.service",
      file("Conflicts=web@*\nCPU=0.5\nMemory=64M\nPriority=3"),
    );
    expect(diagnostics).toEqual([]);
    expect(model?.fleet.conflicts).toEqual(["web@*"]);
    expect(placement.requests).toEqual({ cpu: 500, memory: 64 * 1024 * 1024 });
    expect(placement.priority).toBe(3);
  });

  it("has no model of a unit with a wrong one, and says where", () => {
    const { model, diagnostics } = parseUnit("web.service", file("CPU=lots"));
    expect(model).toBeUndefined();
    expect(diagnostics).toMatchObject([{ severity: "error", span: { start: { line: 4 } } }]);
  });
});
