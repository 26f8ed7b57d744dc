import type { Random } from "../../../src/testing/index.js";

/** What a run is made of, drawn from its seed. Times are virtual milliseconds; 0 means never. */
export interface Scenario {
  readonly members: number;
  readonly drop: number;
  readonly double: number;
  readonly delayMs: number;
  readonly syncMs: number;
  readonly failedSyncEvery: number;
  readonly crashEvery: number;
  readonly pauseEvery: number;
  readonly partitionEvery: number;
  readonly transferEvery: number;
  readonly churnEvery: number;
  readonly snapshotEvery: number;
  readonly operationEvery: number;
  readonly keys: number;
  readonly readShare: number;
  /** So many of a file's unsynced sectors, the first ones, survive a crash at most. */
  readonly tornSectors: number;
  readonly group: {
    readonly tickMs: number;
    readonly electionTicks: number;
    readonly snapshotEntries: number;
    readonly keepEntries: number;
    readonly maxPendingProposals: number;
  };
  readonly segmentBytes: number;
  readonly paddingBytes: number;
}

export function drawScenario(random: Random): Scenario {
  const every = (low: number, high: number): number =>
    random.chance(0.75) ? random.between(low, high) : 0;
  return {
    members: random.pick([1, 2, 3, 3, 3, 4, 5]),
    drop: random.pick([0, 0.01, 0.05, 0.15]),
    double: random.pick([0, 0.01, 0.1]),
    delayMs: random.pick([0, 2, 20, 80]),
    syncMs: random.pick([0, 1, 10, 60]),
    failedSyncEvery: every(20_000, 60_000),
    crashEvery: every(3_000, 20_000),
    pauseEvery: every(5_000, 30_000),
    partitionEvery: every(3_000, 20_000),
    transferEvery: every(3_000, 20_000),
    churnEvery: every(4_000, 20_000),
    snapshotEvery: every(5_000, 20_000),
    operationEvery: random.pick([20, 60, 150]),
    keys: random.between(1, 4),
    readShare: random.pick([0.3, 0.5, 0.7]),
    tornSectors: random.pick([0, 3, 20]),
    group: {
      tickMs: 50,
      electionTicks: random.between(6, 12),
      snapshotEntries: random.pick([8, 30, 120]),
      keepEntries: random.pick([1, 5, 40]),
      maxPendingProposals: random.pick([3, 1_000]),
    },
    segmentBytes: random.pick([8_192, 65_536]),
    paddingBytes: random.pick([0, 3_000, 3_000, 20_000, 300_000]),
  };
}
