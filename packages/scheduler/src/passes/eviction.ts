import type { Cluster } from "../cluster/cluster.js";
import { firstRefusal, fitsAtAll, passesAll } from "../filters/index.js";
import type { MachineNode } from "../model/machine-node.js";
import { byName, type UnitNode } from "../model/unit-node.js";
import { sortedByName } from "./groups.js";

/** The machine where the unit was decided to be, when nothing that is seen of it alone forbids that. */
export function homeOf(unit: UnitNode, cluster: Cluster): MachineNode | undefined {
  if (unit.assigned === undefined || !unit.placeable) return undefined;
  const machine = cluster.machines.byId.get(unit.assigned);
  return machine !== undefined && fitsAtAll(unit, machine, cluster) ? machine : undefined;
}

/** Why `homeOf` gave none, for a unit that has a place. */
export function homelessReason(unit: UnitNode, cluster: Cluster): string {
  if (!unit.wanted) return "target state inactive";
  if (unit.global) return "unit is global now";
  const machine = cluster.machines.byId.get(unit.assigned!);
  if (machine === undefined) return `target Machine(${unit.assigned!}) went away`;
  return unableReason(unit, machine, cluster);
}

/** fleet's words for a unit that must leave its machine. */
export function unableReason(unit: UnitNode, machine: MachineNode, cluster: Cluster): string {
  const why = firstRefusal(unit, machine, cluster)?.reason ?? "its place was needed";
  return `target Machine(${machine.id}) unable to run unit: ${why}`;
}

/**
 * fleet's unschedule pass, as far as the units of one machine together decide: every placement that
 * still holds is kept, every other ends, and no more than must. Among units that exclude each
 * other, the victims of Replaces= go, then those with the most conflicts (of equal ones the last by
 * name), then, where capacity is exceeded, those of the lowest priority (the last by name).
 *
 * What it gives depends on nothing but what is on this machine. The units that left, and why.
 */
export function evict(machine: MachineNode, cluster: Cluster): Map<UnitNode, string> {
  const leaving = new Set<UnitNode>();
  const leave = (unit: UnitNode): void => {
    cluster.remove(unit);
    leaving.add(unit);
  };
  removeLonely(machine, cluster, leave);
  for (const victim of replacedOn(machine, cluster)) leave(victim);
  whileFound(() => mostConflicts(machine, cluster), leave);
  whileFound(() => leastOfTooMany(machine), leave);
  removeLonely(machine, cluster, leave);
  takeBack(machine, cluster, leaving);
  return new Map([...leaving].map((unit) => [unit, unableReason(unit, machine, cluster)]));
}

function whileFound(find: () => UnitNode | undefined, each: (unit: UnitNode) => void): void {
  for (let unit = find(); unit !== undefined; unit = find()) each(unit);
}

/** Units whose MachineOf= is not all there leave, and those that need them, until all is well. */
function removeLonely(
  machine: MachineNode,
  cluster: Cluster,
  leave: (unit: UnitNode) => void,
): void {
  for (;;) {
    cluster.settleGlobals(machine);
    const lonely = machine.placed.filter((unit) => !cluster.hasPeers(unit, machine));
    if (lonely.length === 0) return;
    for (const unit of lonely) leave(unit);
  }
}

function replacedOn(machine: MachineNode, cluster: Cluster): UnitNode[] {
  return machine.placed
    .filter((unit) => cluster.replacersOf(unit, machine).length > 0)
    .sort(byName);
}

function mostConflicts(machine: MachineNode, cluster: Cluster): UnitNode | undefined {
  let worst: UnitNode | undefined;
  let most = 0;
  for (const unit of machine.placed) {
    if (!cluster.hasConflict(unit, machine)) continue;
    const count = cluster.conflictsOf(unit, machine).length;
    if (worst !== undefined && (count < most || (count === most && byName(unit, worst) < 0))) {
      continue;
    }
    worst = unit;
    most = count;
  }
  return worst;
}

/** Of those that share in what is exceeded, the one that matters least. */
function leastOfTooMany({ used, capacity, placed }: MachineNode): UnitNode | undefined {
  const cpu = used.cpu > capacity.cpu;
  const memory = used.memory > capacity.memory;
  const tasks = used.tasks > capacity.tasks;
  if (!cpu && !memory && !tasks) return undefined;
  let least: UnitNode | undefined;
  for (const unit of placed) {
    const { requests } = unit;
    const shares =
      (cpu && requests.cpu > 0) || (memory && requests.memory > 0) || (tasks && requests.tasks > 0);
    if (!shares) continue;
    if (least === undefined || unit.priority < least.priority) least = unit;
    else if (unit.priority === least.priority && byName(unit, least) > 0) least = unit;
  }
  return least;
}

/** Who turns out to have had to leave for nobody that stays, stays as well. */
function takeBack(machine: MachineNode, cluster: Cluster, leaving: Set<UnitNode>): void {
  for (let again = leaving.size > 0; again; ) {
    again = false;
    for (const unit of sortedByName(leaving)) {
      if (!passesAll(unit, machine, cluster)) continue;
      if (cluster.victimsOf(unit, machine).length > 0) continue;
      cluster.place(unit, machine);
      leaving.delete(unit);
      again = true;
    }
  }
}
