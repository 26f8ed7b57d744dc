import type { Scenario } from "../../src/testing/index.js";

/** A run that once told something, to be repeated as it was. */
export interface KeptRun {
  readonly note: string;
  readonly seed: number;
  readonly seconds: number;
  readonly scenario: Scenario;
  /** The invariant that it must break; null when it must pass. */
  readonly breaks: string | null;
}

/** Three members on quick disks and a good network, and no faults. */
const calm: Scenario = {
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
  keys: 1,
  readShare: 0.5,
};

const deposing = { ...calm, crashEvery: 3_000, partitionEvery: 3_000, transferEvery: 2_000 };

function reading(readOnly: "lease" | "lease-based"): Scenario {
  const { member } = deposing;
  return { ...deposing, member: { ...member, config: { ...member.config, readOnly } } };
}

/** Seeds that failed, as scenarios of their own: what a seed draws changes with the simulator. */
export const KEPT_RUNS: readonly KeptRun[] = [
  {
    note: "etcd's lease-based reads are stale, whatever the clocks",
    seed: 17,
    seconds: 60,
    scenario: reading("lease-based"),
    breaks: "client history is linearizable",
  },
  {
    note: "reads under a lease are not",
    seed: 17,
    seconds: 60,
    scenario: reading("lease"),
    breaks: null,
  },
  {
    note: "a member that was wiped comes back under its old ID (etcd #20269)",
    seed: 1,
    seconds: 30,
    scenario: { ...calm, wipeEvery: 4_000, crashEvery: 5_000, reuseIds: true },
    breaks: "what is durable never goes back",
  },
  {
    note: "the second voter of two takes one entry a message, a thousand behind: slow is not stuck",
    seed: 3,
    seconds: 120,
    scenario: {
      ...calm,
      voters: 1,
      spares: 1,
      churnEvery: 20_000,
      member: {
        ...calm.member,
        config: {
          electionTick: 5,
          heartbeatTick: 2,
          asyncStorageWrites: true,
          maxSizePerMsg: 0,
          maxInflightMsgs: 1,
        },
        maxWrite: 200,
        keepEntries: 100,
      },
    },
    breaks: null,
  },
];
