import { FaultSchedule } from "./faults/schedule.js";
import { type CoreBuild, THIS_BUILD } from "./group/core-build.js";
import { everybody, SimulatedGroup } from "./group/group.js";
import { violated } from "./invariants/violation.js";
import { Random } from "./random.js";
import { drawScenario } from "./scenario/draw.js";
import type { Scenario } from "./scenario/scenario.js";

/** One run of the simulator. */
export interface SimulationOptions {
  /** Decides everything: the scenario, the faults, the clients. */
  readonly seed: number;
  /** Virtual seconds with faults, before all is healed. Default 120. */
  readonly seconds?: number;
  /** Sets parts of the scenario that the seed would draw. */
  readonly scenario?: Partial<Scenario>;
  /**
   * Versions of the core that members run, the oldest first: all start as the first, and
   * `upgradeEvery` moves them one by one to the next. This package's own by default.
   */
  readonly builds?: readonly CoreBuild[];
  /** Gets a line for each event; see {@link TraceEvent}. Equal seeds give equal lines. */
  readonly trace?: (line: string) => void;
}

/** What a run did. */
export interface SimulationReport {
  readonly seed: number;
  readonly virtualSeconds: number;
  readonly events: number;
  readonly messages: number;
  readonly lostMessages: number;
  /** Faults that came, those included that were left out by `Scenario.onlyFaults`. */
  readonly faults: number;
  /**
   * Client operations: answered; those whose result stayed unknown; and those that nobody took, for
   * want of a leader.
   */
  readonly operations: number;
  readonly unknownOperations: number;
  readonly refusedOperations: number;
  readonly lastCommitted: number;
  readonly lastTerm: number;
  /**
   * The group ended without a leader in the one way that is no fault: a removal was committed,
   * those who know are removed by it, and the members that remain have not learned of it and still
   * need a vote of one whose log is longer. Configurations count when they are applied (as in
   * etcd), so this can happen when a leader crashes just after removing half of the voters.
   *
   * Or, without `preVote` and `checkQuorum`, it ended with a learner that is deaf to its leader: a
   * member that was removed and did not know it stood for election until the learner's term was
   * ahead, and neither of the two ever tells the other.
   */
  readonly stuck: boolean;
}

/** Virtual seconds after which a healed group in which nobody gets on has failed. */
const CONVERGE_SECONDS = 120;
/** However it gets on: a member that is far behind may take long with one entry a message. */
const CONVERGE_SECONDS_MAX = 3_600;
/** Virtual seconds after which clients hold back: a slow group must get through what it has taken. */
const HOLD_BACK_SECONDS = 5;
const HELD_BACK_EVERY_MS = 1_000;

/**
 * Runs a group of simulated members through crashes, partitions, lost and doubled messages, slow,
 * failing, full and rotting disks, stalls, upgrades and changes of membership, checks the invariants
 * of Raft at every event, then heals everything and waits until the group agrees and serves.
 * Deterministic: the seed is the run.
 *
 * Throws an {@link InvariantViolation}, or whatever the core itself threw.
 *
 * @example
 * ```ts
 * import { simulate } from "@flotilla/raft/testing";
 * const report = simulate({ seed: 1, seconds: 60 });
 * console.log(report.operations, "operations in", report.virtualSeconds, "virtual seconds");
 * ```
 */
export function simulate(options: SimulationOptions): SimulationReport {
  const { seed, seconds = 120, trace, builds = [THIS_BUILD] } = options;
  const random = new Random(seed);
  const scenario: Scenario = { ...drawScenario(random.fork()), ...options.scenario };
  const group = new SimulatedGroup(random, scenario, builds, trace ?? null);
  const faults = new FaultSchedule(group, random.fork(), scenario);
  group.clients.start(scenario.operationEvery);
  group.queue.runUntil(seconds * 1000);
  faults.heal();
  const converged = converge(group, faults);
  group.clients.stop();
  group.clients.check();
  return report(seed, group, faults, !converged);
}

/** The scenario that a seed draws. */
export function scenarioOf(seed: number): Scenario {
  return drawScenario(new Random(seed).fork());
}

/**
 * Waits until clients are served and every member of the configuration is as far as the leader was
 * a moment before. False when the group is stuck as `SimulationReport.stuck` says.
 */
function converge(group: SimulatedGroup, faults: FaultSchedule): boolean {
  const { queue, clients } = group;
  const began = queue.now;
  const { completed } = clients;
  let best = -1;
  let improved = began;
  let nudged = false;
  while (
    queue.now < improved + CONVERGE_SECONDS * 1000 &&
    queue.now < began + CONVERGE_SECONDS_MAX * 1000
  ) {
    const { lastCommitted } = group.invariants;
    queue.runUntil(queue.now + 1000);
    // The configuration may still change: a change that was under way gets committed.
    faults.heal();
    if (clients.completed > completed && caughtUp(group, lastCommitted)) return true;
    if (queue.now >= began + HOLD_BACK_SECONDS * 1000) clients.start(HELD_BACK_EVERY_MS);
    const reached = slowest(group);
    if (reached > best) {
      best = reached;
      improved = queue.now;
    }
    if (!nudged && queue.now >= improved + CONVERGE_SECONDS * 500) {
      nudged = true;
      nudge(group);
    }
  }
  if (group.leader() === null && someoneMissedTheLastChange(group)) return false;
  if (someLearnerIsDeaf(group)) return false;
  violated("a healed group serves", describeMembers(group));
}

/** How far the member is that is the furthest behind. */
function slowest({ confState, members }: SimulatedGroup): number {
  const reached = everybody(confState).map((id) => {
    const { storage, appliedIndex } = members.get(id)!;
    return storage.lastIndex() + appliedIndex;
  });
  return Math.min(...reached);
}

/**
 * Without `preVote` and `checkQuorum` a learner of a higher term ignores its leader, and nobody
 * tells the leader: it takes another election.
 */
function nudge(group: SimulatedGroup): void {
  const { preVote, checkQuorum } = group.config;
  if (preVote || checkQuorum) return;
  const leader = group.leader();
  if (leader === null) return;
  group.stop(leader);
  group.start(leader);
}

function someoneMissedTheLastChange({ confState, confIndex, members }: SimulatedGroup): boolean {
  return everybody(confState).some((id) => {
    const { lost, appliedIndex } = members.get(id)!;
    return !lost && appliedIndex < confIndex;
  });
}

/** See `nudge`: the next election did not bring the leader past the learner's term either. */
function someLearnerIsDeaf(group: SimulatedGroup): boolean {
  const { preVote, checkQuorum } = group.config;
  const term = group.leader()?.node?.basicStatus().term;
  if (preVote || checkQuorum || term === undefined) return false;
  return group.confState.learners.some((id) => group.members.get(id)!.hardState.term > term);
}

function describeMembers(group: SimulatedGroup): string {
  const lines = [...group.members.values()].map(({ id, node, lost }) => {
    if (node === null) return `${id}: ${lost ? "lost" : "down"}`;
    const { progress, ...status } = node.status();
    return `${id}: ${JSON.stringify({ ...status, progress: [...progress] })}`;
  });
  return lines.join("\n");
}

/** True when all members are up and have applied what was committed a while ago. */
function caughtUp(group: SimulatedGroup, committed: number): boolean {
  if (group.leader() === null) return false;
  return everybody(group.confState).every((id) => {
    const member = group.members.get(id)!;
    return member.node !== null && member.appliedIndex >= committed;
  });
}

function report(
  seed: number,
  group: SimulatedGroup,
  faults: FaultSchedule,
  stuck: boolean,
): SimulationReport {
  const { queue, network, clients, invariants } = group;
  const terms = [...group.members.values()].map((member) => member.hardState.term);
  return {
    seed,
    virtualSeconds: queue.now / 1000,
    events: queue.count,
    messages: network.sent,
    lostMessages: network.lost,
    faults: faults.count,
    operations: clients.completed,
    unknownOperations: clients.unknown,
    refusedOperations: clients.refused,
    lastCommitted: invariants.lastCommitted,
    lastTerm: Math.max(...terms),
    stuck,
  };
}
