import { describe, expect, it } from "vitest";
import { InvariantViolation, shrink, simulate } from "../../src/testing/index.js";
import { KEPT_RUNS } from "./regressions.js";

/** Members that lost their data come back under their old ID: what no Raft survives. */
const broken = KEPT_RUNS.find(({ scenario }) => scenario.reuseIds)!;

describe("shrinking", () => {
  it("leaves the one fault that matters, and little else", () => {
    const small = shrink(broken)!;
    expect(small.error).toBeInstanceOf(InvariantViolation);
    expect(small.seconds).toBeLessThan(broken.seconds);
    const { seed, seconds, scenario } = small;
    const lines: string[] = [];
    const again = () => simulate({ seed, seconds, scenario, trace: (line) => lines.push(line) });
    expect(again).toThrow((small.error as Error).message);
    expect(lines.filter((line) => line.includes(" fault "))).toHaveLength(1);
  });

  it("stops after so many runs", () => {
    expect(shrink(broken, { maxRuns: 5 })!.runs).toBeLessThan(10);
  });

  it("gives nothing for a run that does not fail", () => {
    expect(shrink({ seed: 1, seconds: 5 })).toBeNull();
  });
});
