import type { Config } from "../../core/config.js";
import type { MemberOptions } from "../group/member.js";
import type { Random } from "../random.js";
import type { FaultRates, Scenario } from "./scenario.js";

/** Draws a scenario: each run combines other options of the core with other faults. */
export function drawScenario(random: Random): Scenario {
  const voters = random.pick([1, 2, 3, 3, 3, 4, 5, 5, 5]);
  const member = drawMember(random);
  const faults = drawFaults(random);
  // Leases trust clocks.
  const leased = member.config.readOnly === "lease";
  return {
    voters,
    spares: random.pick([0, 1, 2, 3]),
    tickMs: 100,
    drift: random.pick(leased ? [0, 0.01, 0.04] : [0, 0.01, 0.2]),
    member,
    priorities: random.chance(0.2) ? Array.from({ length: voters }, () => random.int(3)) : [],
    network: {
      drop: random.pick([0, 0.01, 0.05, 0.2]),
      duplicate: random.pick([0, 0.01, 0.1]),
      minDelay: 1,
      maxDelay: random.pick([2, 20, 100]),
      stall: random.pick([0, 0, 0.001, 0.01]),
    },
    wire: random.chance(0.1) ? "bytes" : "objects",
    ...faults,
    pauseEvery: leased ? 0 : faults.pauseEvery,
    reuseIds: false,
    onlyFaults: null,
    operationEvery: 75,
    operationTimeout: 5_000,
    keys: random.between(1, 5),
    readShare: random.pick([0.2, 0.5, 0.8]),
  };
}

function drawMember(random: Random): Omit<MemberOptions, "id"> {
  return {
    config: drawConfig(random),
    disk: random.chance(0.4) ? "bytes" : "entries",
    segmentBytes: random.pick([2048, 8192, 32_768]),
    lazyCommit: random.chance(0.7),
    minWrite: random.between(0, 3),
    maxWrite: random.pick([3, 10, 50, 200]),
    snapshotEvery: random.pick([5, 20, 100]),
    keepEntries: random.pick([0, 3, 20, 100]),
    eagerAppends: random.chance(0.5),
  };
}

function drawConfig(random: Random): Omit<Config, "id" | "storage" | "applied" | "random"> {
  const maxSizePerMsg = random.pick([0, 64, 512, 4096, 1 << 20]);
  const checkQuorum = random.chance(0.6);
  return {
    electionTick: random.between(5, 15),
    heartbeatTick: random.between(1, 2),
    preVote: random.chance(0.6),
    checkQuorum,
    readOnly: checkQuorum && random.chance(0.4) ? "lease" : "safe",
    asyncStorageWrites: random.chance(0.5),
    stepDownOnRemoval: random.chance(0.5),
    disableProposalForwarding: random.chance(0.3),
    maxSizePerMsg,
    maxCommittedSizePerReady: random.pick([1, 64, 1024, 1 << 20]),
    maxInflightMsgs: random.pick([1, 2, 16, 256]),
    maxInflightBytes: Math.max(maxSizePerMsg, random.pick([256, 1 << 20])),
    maxUncommittedSize: random.pick([256, 4096, 1 << 20]),
  };
}

function drawFaults(random: Random): FaultRates {
  const sometimes = (probability: number, low: number, high: number) =>
    random.chance(probability) ? random.between(low, high) : 0;
  return {
    crashEvery: sometimes(0.75, 2_000, 30_000),
    partitionEvery: sometimes(0.75, 2_000, 30_000),
    pauseEvery: sometimes(0.75, 5_000, 60_000),
    churnEvery: sometimes(0.75, 1_000, 20_000),
    transferEvery: sometimes(0.75, 5_000, 60_000),
    syncErrorEvery: sometimes(0.5, 5_000, 60_000),
    diskFullEvery: sometimes(0.4, 10_000, 60_000),
    rotEvery: sometimes(0.5, 10_000, 60_000),
    wipeEvery: sometimes(0.3, 20_000, 60_000),
    upgradeEvery: sometimes(0.4, 5_000, 30_000),
  };
}
