import { describe, expect, it } from "vitest";
import { simulate } from "./simulation.js";

describe("the simulator", () => {
  it("gives equal runs for equal seeds", () => {
    const trace = (seed: number) => {
      const lines: string[] = [];
      const report = simulate({ seed, seconds: 20, trace: (line) => lines.push(line) });
      return { lines, report };
    };
    expect(trace(5)).toEqual(trace(5));
    expect(trace(5).lines).not.toEqual(trace(6).lines);
  });

  it.each(Array.from({ length: 20 }, (_, i) => i + 1))("finds nothing with SEED=%i", (seed) => {
    const report = simulate({ seed, seconds: 30 });
    expect(report.operations).toBeGreaterThan(0);
  });

  it("serves without faults nearly everything that it is asked", () => {
    const quiet = {
      voters: 3,
      spares: 0,
      crashEvery: 0,
      partitionEvery: 0,
      pauseEvery: 0,
      churnEvery: 0,
      transferEvery: 0,
      network: { drop: 0, duplicate: 0, minDelay: 1, maxDelay: 5, stall: 0 },
      member: {
        config: { electionTick: 10, heartbeatTick: 1, preVote: true, checkQuorum: true },
        minWrite: 1,
        maxWrite: 3,
        snapshotEvery: 100,
        keepEntries: 20,
        eagerAppends: true,
      },
    };
    const report = simulate({ seed: 1, seconds: 60, scenario: quiet });
    expect(report.operations).toBeGreaterThan(500);
    expect(report.unknownOperations / report.operations).toBeLessThan(0.05);
    expect(report.lastTerm).toBe(1);
  });
});
