import { describe, expect, it } from "vitest";
import { InvariantViolation, type Scenario, shrink, simulate } from "../../src/testing/index.js";

/** Members that lost their data come back under their old ID: what no Raft survives. */
const broken: Partial<Scenario> = {
  voters: 3,
  reuseIds: true,
  wipeEvery: 8_000,
  crashEvery: 3_000,
};

function failing(): number {
  for (let seed = 1; ; seed++) {
    try {
      simulate({ seed, seconds: 15, scenario: broken });
    } catch {
      return seed;
    }
  }
}

describe("shrinking", () => {
  it("leaves the one fault that matters, and little else", () => {
    const seed = failing();
    const small = shrink({ seed, seconds: 15, scenario: broken })!;
    expect(small.error).toBeInstanceOf(InvariantViolation);
    expect(small.seconds).toBeLessThan(15);
    const { seconds, scenario } = small;
    const lines: string[] = [];
    const again = () => simulate({ seed, seconds, scenario, trace: (line) => lines.push(line) });
    expect(again).toThrow((small.error as Error).message);
    expect(lines.filter((line) => line.includes(" fault "))).toHaveLength(1);
  });

  it("stops after so many runs", () => {
    const small = shrink({ seed: failing(), seconds: 15, scenario: broken }, { maxRuns: 5 })!;
    expect(small.runs).toBeLessThan(10);
  });

  it("gives nothing for a run that does not fail", () => {
    expect(shrink({ seed: 1, seconds: 5 })).toBeNull();
  });
});
