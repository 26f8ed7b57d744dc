import { passesAll, passesRules } from "../filters/index.js";
import type { MachineNode } from "../model/machine-node.js";
import { byName, type UnitNode } from "../model/unit-node.js";
import type { Scheduling } from "./candidates.js";
import { settle, withFollowers } from "./placement.js";

/** Units that would leave a machine, and how much that is to be regretted. */
interface Push {
  readonly machine: MachineNode;
  readonly victims: readonly UnitNode[];
  /** The highest priority among them. */
  readonly priority: number;
}

/**
 * Places the unit where units of lower priority take the room that it needs, and lets those go: on
 * the machine where the most important of them matters least, then where they are the fewest, then
 * by preference. Only room is made that way; every other rule must allow the machine as it is. Gives
 * the units that left, or undefined when no machine will do.
 */
export function pushOut(unit: UnitNode, scheduling: Scheduling): readonly UnitNode[] | undefined {
  const { cluster } = scheduling;
  if (unit.requests.none || unit.replaces !== undefined) return undefined;
  if (!cluster.hasBelow(unit.priority)) return undefined;
  for (const failed = new Set<MachineNode>(); ; ) {
    const push = leastPush(unit, failed, scheduling);
    if (push === undefined) return undefined;
    if (carryOut(unit, push, scheduling)) return push.victims;
    failed.add(push.machine);
  }
}

function leastPush(
  unit: UnitNode,
  failed: ReadonlySet<MachineNode>,
  { cluster, preference, candidates }: Scheduling,
): Push | undefined {
  let best: Push | undefined;
  preference.using((set) => {
    candidates.ofPushing(unit, set);
    preference.first(unit, set, (rank) => {
      const machine = cluster.machines.at(rank);
      if (failed.has(machine)) return false;
      const victims = passesRules(unit, machine, cluster) ? victimsOn(machine, unit) : undefined;
      if (victims === undefined) {
        candidates.refused(unit, machine, "pushing");
        return false;
      }
      const priority = Math.max(...victims.map((victim) => victim.priority));
      const better =
        best === undefined ||
        priority < best.priority ||
        (priority === best.priority && victims.length < best.victims.length);
      if (better) best = { machine, victims, priority };
      return false;
    });
  });
  return best;
}

/**
 * The lowest priorities first, of equal ones the largest, until there is room; then those whose
 * room turns out not to be needed stay after all, the most important first.
 */
function victimsOn(machine: MachineNode, unit: UnitNode): UnitNode[] | undefined {
  const lower = machine.placed.filter((one) => one.priority < unit.priority);
  if (roomWithout([], machine, unit) || !roomWithout(lower, machine, unit)) return undefined;
  lower.sort(
    (a, b) => a.priority - b.priority || b.requests.size - a.requests.size || byName(a, b),
  );
  const leaving = new Set<UnitNode>();
  for (const one of lower) {
    if (roomWithout(leaving, machine, unit)) break;
    const all = withFollowers([one], machine);
    if (all.every(({ priority }) => priority < unit.priority)) {
      for (const each of all) leaving.add(each);
    }
  }
  if (!roomWithout(leaving, machine, unit)) return undefined;
  for (const one of [...leaving].reverse()) {
    leaving.delete(one);
    const alone = [...leaving].some(({ name }) => one.peers.includes(name));
    if (alone || !roomWithout(leaving, machine, unit)) leaving.add(one);
  }
  return [...leaving];
}

function roomWithout(
  leaving: Iterable<UnitNode>,
  { used, capacity }: MachineNode,
  { requests }: UnitNode,
): boolean {
  let { cpu, memory, tasks } = used;
  for (const one of leaving) {
    cpu -= one.requests.cpu;
    memory -= one.requests.memory;
    tasks -= one.requests.tasks;
  }
  return (
    (requests.cpu === 0 || cpu + requests.cpu <= capacity.cpu) &&
    (requests.memory === 0 || memory + requests.memory <= capacity.memory) &&
    (requests.tasks === 0 || tasks + requests.tasks <= capacity.tasks)
  );
}

function carryOut(unit: UnitNode, { machine, victims }: Push, { cluster }: Scheduling): boolean {
  const mark = cluster.mark();
  for (const victim of victims) cluster.remove(victim);
  const done = passesAll(unit, machine, cluster) && settle(unit, machine, cluster);
  if (!done) cluster.rollback(mark);
  return done;
}
