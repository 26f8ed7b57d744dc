import type { MemberOptions } from "../group/member.js";
import type { NetworkFaults } from "../group/network.js";

/** Virtual milliseconds between faults of each kind on average; 0 for none of them. */
export interface FaultRates {
  readonly crashEvery: number;
  readonly partitionEvery: number;
  /** A member stands still for a while. */
  readonly pauseEvery: number;
  /** Members are added, removed, promoted and demoted. */
  readonly churnEvery: number;
  /** Leadership is handed over, forgotten or claimed. */
  readonly transferEvery: number;
  /** An fsync fails: the member stops at once, and comes back with what was durable. */
  readonly syncErrorEvery: number;
  /** A disk has no room for a while: its member refuses proposals and hands leadership over. */
  readonly diskFullEvery: number;
  /** Bits rot under a member that is down, where the group can do without it; "bytes" only. */
  readonly rotEvery: number;
  /** A member loses its data, where the group can do without it, and another one takes its place. */
  readonly wipeEvery: number;
  /** A member is stopped, and started as the next version. */
  readonly upgradeEvery: number;
}

/** What a run is made of; all of it is drawn from the seed unless it is set. */
export interface Scenario extends FaultRates {
  /** Members that found the group. */
  readonly voters: number;
  /** Members that may join later. */
  readonly spares: number;
  /** Virtual milliseconds between ticks; each member's clock is off by up to `drift` of it. */
  readonly tickMs: number;
  readonly drift: number;
  readonly member: Omit<MemberOptions, "id">;
  /** By member, in the order of their IDs and then from the first again; empty for none. */
  readonly priorities: readonly number[];
  readonly network: NetworkFaults;
  /** Messages are handed over as they are, or as bytes through the codec of the real transport. */
  readonly wire: "objects" | "bytes";
  /**
   * A member that lost its data comes back under its old ID. No Raft survives that: it may vote
   * twice and take back what it acknowledged. Never drawn; to show that the checks notice.
   */
  readonly reuseIds: boolean;
  /** Only the faults with these numbers strike, in a run that was shrunk; null for all. */
  readonly onlyFaults: readonly number[] | null;
  /** Virtual milliseconds between client operations on average, and until one is given up. */
  readonly operationEvery: number;
  readonly operationTimeout: number;
  readonly keys: number;
  readonly readShare: number;
}
