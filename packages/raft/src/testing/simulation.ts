import { Faults } from "./faults.js";
import { everybody, SimulatedGroup } from "./group.js";
import { InvariantViolation } from "./invariants.js";
import { Random } from "./random.js";
import { drawScenario, type Scenario } from "./scenario.js";

/** One run of the simulator. */
export interface SimulationOptions {
  /** Decides everything: the scenario, the faults, the clients. */
  readonly seed: number;
  /** Virtual seconds with faults, before all is healed. Default 120. */
  readonly seconds?: number;
  /** Sets parts of the scenario that the seed would draw. */
  readonly scenario?: Partial<Scenario>;
  /** Gets a line for what happens, in a stable form: equal seeds print equal lines. */
  readonly trace?: (line: string) => void;
}

/** What a run did. */
export interface SimulationReport {
  readonly seed: number;
  readonly virtualSeconds: number;
  readonly events: number;
  readonly messages: number;
  readonly lostMessages: number;
  /** Client operations that were answered, and those whose result stayed unknown. */
  readonly operations: number;
  readonly unknownOperations: number;
  readonly lastCommitted: number;
  readonly lastTerm: number;
  /**
   * The group ended without a leader in the one way that is no fault: a removal was committed,
   * those who know are removed by it, and the members that remain have not learned of it and still
   * need a vote of one whose log is longer. Configurations count when they are applied (as in
   * etcd), so this can happen when a leader crashes just after removing half of the voters.
   */
  readonly stuck: boolean;
}

/** Virtual seconds after which a healed group must serve and agree. */
const CONVERGE_SECONDS = 120;

/**
 * Runs a group of simulated members through crashes, partitions, lost and doubled messages, slow
 * disks and changes of membership, checks the invariants of Raft at every event, then heals
 * everything and waits until the group agrees and serves. Deterministic: the seed is the run.
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
  const { seed, seconds = 120, trace } = options;
  const random = new Random(seed);
  const scenario: Scenario = { ...drawScenario(random.fork()), ...options.scenario };
  trace?.(`seed ${seed} ${JSON.stringify(scenario)}`);
  const group = new SimulatedGroup(random, scenario, trace ?? null);
  const faults = new Faults(group, random.fork(), scenario);
  faults.start();
  group.queue.runUntil(seconds * 1000);
  faults.heal();
  const converged = converge(group, faults);
  group.clients.check();
  return report(seed, group, !converged);
}

/**
 * Waits until a write is answered and every member of the configuration has applied the same.
 * False when the group is stuck as `SimulationReport.stuck` says.
 */
function converge(group: SimulatedGroup, faults: Faults): boolean {
  const { queue, clients } = group;
  const deadline = queue.now + CONVERGE_SECONDS * 1000;
  const halfTime = deadline - CONVERGE_SECONDS * 500;
  let nudged = false;
  while (queue.now < deadline) {
    const completed = clients.completed;
    const leader = group.leader();
    if (leader !== null) clients.write(leader);
    for (let second = 0; second < 10; second++) {
      queue.runUntil(queue.now + 1000);
      // The configuration may still change: a change that was under way gets committed.
      faults.heal();
      if (clients.completed > completed && agree(group)) return true;
    }
    if (!nudged && queue.now >= halfTime) {
      nudged = true;
      nudge(group);
    }
  }
  if (group.leader() === null && someoneMissedTheLastChange(group)) return false;
  throw new InvariantViolation("a healed group serves", describeMembers(group));
}

/**
 * Without `preVote` and `checkQuorum` a learner of a higher term ignores its leader, and nobody
 * tells the leader: it takes another election.
 */
function nudge(group: SimulatedGroup): void {
  const { preVote, checkQuorum } = group.config;
  if (preVote || checkQuorum) return;
  const leader = group.leader();
  leader?.crash();
  leader?.start();
}

function someoneMissedTheLastChange({ confState, confIndex, members }: SimulatedGroup): boolean {
  return everybody(confState).some((id) => members.get(id)!.appliedIndex < confIndex);
}

function describeMembers(group: SimulatedGroup): string {
  const lines = [...group.members.values()].map(({ id, node }) => {
    if (node === null) return `${id}: down`;
    const { progress, ...status } = node.status();
    return `${id}: ${JSON.stringify({ ...status, progress: [...progress] })}`;
  });
  return lines.join("\n");
}

function agree(group: SimulatedGroup): boolean {
  const leader = group.leader();
  if (leader === null) return false;
  return everybody(group.confState).every((id) => {
    const member = group.members.get(id)!;
    return (
      member.node !== null &&
      member.appliedIndex === leader.appliedIndex &&
      member.machine.digest === leader.machine.digest
    );
  });
}

function report(seed: number, group: SimulatedGroup, stuck: boolean): SimulationReport {
  const { queue, network, clients, invariants } = group;
  const terms = [...group.members.values()].map((member) => member.hardState.term);
  return {
    seed,
    virtualSeconds: queue.now / 1000,
    events: queue.count,
    messages: network.sent,
    lostMessages: network.lost,
    operations: clients.completed,
    unknownOperations: clients.unknown,
    lastCommitted: invariants.lastCommitted,
    lastTerm: Math.max(...terms),
    stuck,
  };
}
