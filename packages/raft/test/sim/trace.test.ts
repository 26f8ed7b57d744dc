import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Scenario, simulate } from "../../src/testing/index.js";

const GOLDEN = new URL("golden-trace.txt", import.meta.url);

/** A leader that stops: small enough to be read. */
const scenario: Partial<Scenario> = {
  voters: 3,
  spares: 0,
  drift: 0,
  member: {
    config: { electionTick: 5, heartbeatTick: 2, preVote: true, checkQuorum: true },
    disk: "bytes",
    segmentBytes: 8192,
    lazyCommit: true,
    minWrite: 2,
    maxWrite: 5,
    snapshotEvery: 5,
    keepEntries: 3,
    eagerAppends: true,
  },
  priorities: [],
  network: { drop: 0.05, duplicate: 0, minDelay: 1, maxDelay: 3, stall: 0 },
  wire: "bytes",
  crashEvery: 600,
  partitionEvery: 0,
  pauseEvery: 0,
  churnEvery: 0,
  transferEvery: 0,
  syncErrorEvery: 0,
  diskFullEvery: 0,
  rotEvery: 0,
  wipeEvery: 0,
  upgradeEvery: 0,
  operationEvery: 200,
  keys: 1,
  readShare: 0.3,
};

/** `UPDATE=1` writes it anew, to be read by a person. */
it("prints one line an event, in the form that is documented", () => {
  const lines: string[] = [];
  simulate({ seed: 2, seconds: 2, scenario, trace: (line) => lines.push(line) });
  const text = `${lines.join("\n")}\n`;
  if (process.env["UPDATE"] === "1") writeFileSync(GOLDEN, text);
  expect(text).toBe(readFileSync(GOLDEN, "utf8"));
});
