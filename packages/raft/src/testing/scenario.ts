import type { MemberOptions } from "./member.js";
import type { NetworkFaults } from "./network.js";
import type { Random } from "./random.js";

/** What a run is made of; all of it is drawn from the seed unless it is set. */
export interface Scenario {
  /** Members that found the group. */
  readonly voters: number;
  /** Members that may join later. */
  readonly spares: number;
  /** Virtual milliseconds between ticks; each member's clock is off by up to `drift` of it. */
  readonly tickMs: number;
  readonly drift: number;
  readonly member: Omit<MemberOptions, "id">;
  readonly network: NetworkFaults;
  /** Virtual milliseconds between faults of each kind on average; 0 for none. */
  readonly crashEvery: number;
  readonly partitionEvery: number;
  readonly pauseEvery: number;
  readonly churnEvery: number;
  readonly transferEvery: number;
  /** Virtual milliseconds between client operations on average, and until one is given up. */
  readonly operationEvery: number;
  readonly operationTimeout: number;
  readonly keys: number;
  readonly readShare: number;
}

/** A network that loses nothing and is quick. */
export const QUIET_NETWORK: NetworkFaults = {
  drop: 0,
  duplicate: 0,
  minDelay: 1,
  maxDelay: 5,
  stall: 0,
};

/** Draws a scenario: each run combines other options of the core with other faults. */
export function drawScenario(random: Random): Scenario {
  const sometimes = (low: number, high: number) =>
    random.chance(0.75) ? random.between(low, high) : 0;
  const electionTick = random.between(5, 15);
  const keepEntries = random.pick([0, 3, 20, 100]);
  const maxSizePerMsg = random.pick([0, 64, 512, 4096, 1 << 20]);
  return {
    voters: random.pick([1, 2, 3, 3, 3, 4, 5, 5, 5]),
    spares: random.pick([0, 1, 2, 3]),
    tickMs: 100,
    drift: random.pick([0, 0.01, 0.2]),
    member: {
      config: {
        electionTick,
        heartbeatTick: random.between(1, 2),
        preVote: random.chance(0.6),
        checkQuorum: random.chance(0.6),
        asyncStorageWrites: random.chance(0.5),
        stepDownOnRemoval: random.chance(0.5),
        disableProposalForwarding: random.chance(0.3),
        maxSizePerMsg,
        maxCommittedSizePerReady: random.pick([1, 64, 1024, 1 << 20]),
        maxInflightMsgs: random.pick([1, 2, 16, 256]),
        maxInflightBytes: Math.max(maxSizePerMsg, random.pick([256, 1 << 20])),
        maxUncommittedSize: random.pick([256, 4096, 1 << 20]),
      },
      minWrite: random.between(0, 3),
      maxWrite: random.pick([3, 10, 50, 200]),
      snapshotEvery: random.pick([5, 20, 100]),
      keepEntries,
      eagerAppends: random.chance(0.5),
    },
    network: {
      drop: random.pick([0, 0.01, 0.05, 0.2]),
      duplicate: random.pick([0, 0.01, 0.1]),
      minDelay: 1,
      maxDelay: random.pick([2, 20, 100]),
      stall: random.pick([0, 0, 0.001, 0.01]),
    },
    crashEvery: sometimes(2_000, 30_000),
    partitionEvery: sometimes(2_000, 30_000),
    pauseEvery: sometimes(5_000, 60_000),
    churnEvery: sometimes(1_000, 20_000),
    transferEvery: sometimes(5_000, 60_000),
    operationEvery: 100,
    operationTimeout: 5_000,
    keys: random.between(1, 5),
    readShare: random.pick([0.2, 0.5, 0.8]),
  };
}
