import { describe, expect, it } from "vitest";
import { InvariantViolation, type Scenario, scenarioOf, simulate } from "./index.js";

/** Three members, and nothing goes wrong. */
const quiet: Scenario = {
  voters: 3,
  spares: 0,
  tickMs: 100,
  drift: 0,
  member: {
    config: { electionTick: 10, heartbeatTick: 1, preVote: true, checkQuorum: true },
    disk: "entries",
    segmentBytes: 8192,
    lazyCommit: true,
    minWrite: 1,
    maxWrite: 3,
    snapshotEvery: 100,
    keepEntries: 20,
    eagerAppends: true,
  },
  priorities: [],
  network: { drop: 0, duplicate: 0, minDelay: 1, maxDelay: 5, stall: 0 },
  wire: "objects",
  crashEvery: 0,
  partitionEvery: 0,
  pauseEvery: 0,
  churnEvery: 0,
  transferEvery: 0,
  syncErrorEvery: 0,
  diskFullEvery: 0,
  rotEvery: 0,
  wipeEvery: 0,
  upgradeEvery: 0,
  reuseIds: false,
  onlyFaults: null,
  operationEvery: 60,
  operationTimeout: 5_000,
  keys: 3,
  readShare: 0.5,
};

function traced(seed: number, seconds: number, scenario: Partial<Scenario>): string[] {
  const lines: string[] = [];
  simulate({ seed, seconds, scenario, trace: (line) => lines.push(line) });
  return lines;
}

describe("the simulator", () => {
  it("gives equal runs for equal seeds", () => {
    expect(traced(5, 20, {})).toEqual(traced(5, 20, {}));
    expect(traced(5, 20, {})).not.toEqual(traced(6, 20, {}));
  });

  it.each(Array.from({ length: 20 }, (_, i) => i + 1))("finds nothing with SEED=%i", (seed) => {
    const report = simulate({ seed, seconds: 30 });
    expect(report.operations).toBeGreaterThan(0);
  });

  it("serves without faults nearly everything that it is asked", () => {
    const report = simulate({ seed: 1, seconds: 60, scenario: quiet });
    expect(report.operations).toBeGreaterThan(600);
    expect(report.unknownOperations).toBe(0);
    expect(report.lastTerm).toBe(1);
  });
});

describe("bytes on simulated disks", () => {
  const bytes = { ...quiet, member: { ...quiet.member, disk: "bytes", maxWrite: 50 } } as const;

  it("survive crashes, failed fsyncs and full disks", () => {
    const faults = { crashEvery: 1_000, syncErrorEvery: 2_000, diskFullEvery: 3_000 };
    for (const segmentBytes of [1024, 16_384]) {
      const member = { ...bytes.member, segmentBytes };
      const report = simulate({ seed: 3, seconds: 60, scenario: { ...bytes, ...faults, member } });
      expect(report.faults).toBeGreaterThan(80);
      expect(report.operations).toBeGreaterThan(100);
    }
  });

  it("are refused when they rot, and the member is replaced", () => {
    const lines = traced(1, 60, { ...bytes, rotEvery: 4_000 });
    const refused = lines.filter((line) => line.endsWith(" refuse"));
    expect(refused.length).toBeGreaterThan(1);
    const [, id] = refused[0]!.split(" ");
    const at = lines.indexOf(refused[0]!);
    expect(
      lines.slice(at).some((line) => line.split(" ")[1] === id && line.includes(" start ")),
    ).toBe(false);
  });
});

describe("members that lose their data", () => {
  const wiping = { ...quiet, wipeEvery: 4_000, crashEvery: 5_000 };

  it("are replaced under a new ID", () => {
    const lines = traced(1, 60, wiping);
    expect(lines.filter((line) => line.includes(" lose")).length).toBeGreaterThan(2);
  });

  it("are noticed when they come back under their old one (etcd #20269)", () => {
    const run = () => simulate({ seed: 1, seconds: 60, scenario: { ...wiping, reuseIds: true } });
    expect(run).toThrow(InvariantViolation);
  });
});

describe("versions", () => {
  it("ignore fields that later ones send", () => {
    const report = simulate({
      seed: 2,
      seconds: 60,
      scenario: { ...quiet, wire: "bytes", upgradeEvery: 3_000, snapshotEvery: 5 } as Scenario,
    });
    expect(report.operations).toBeGreaterThan(300);
  });
});

describe("scenarios", () => {
  it("are drawn from the seed alone", () => {
    expect(scenarioOf(7)).toEqual(scenarioOf(7));
    expect(scenarioOf(7)).not.toEqual(scenarioOf(8));
  });
});
