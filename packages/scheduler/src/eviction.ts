import { Cluster } from "./cluster.js";
import { firstRefusal, passesAll } from "./filters/index.js";
import type { MachineNode, Model, UnitNode } from "./model.js";
import type { ClusterState } from "./types.js";

/** The cluster after the unschedule pass, and what the pass took away, with fleet's reasons. */
export interface Kept {
  readonly cluster: Cluster;
  /** Unit name → why it lost its place; those that keep it are not in here. */
  readonly evicted: ReadonlyMap<string, string>;
}

/**
 * fleet's unschedule pass: every placement that still holds is kept, every other ends, and no more
 * than must. Among units of one machine that exclude each other, the victims of Replaces= go, then
 * those with the most conflicts (of equal ones the last by name).
 */
export function evict(state: ClusterState, model: Model): Kept {
  const cluster = new Cluster(model);
  const evicted = new Map<string, string>();
  for (const [name, id] of state.placements) {
    const reason = keepOrReason(name, id, cluster);
    if (reason !== undefined) evicted.set(name, reason);
  }
  for (const machine of model.machines) {
    cluster.settleGlobals(machine);
    for (const [unit, reason] of settleMachine(machine, cluster)) evicted.set(unit.name, reason);
  }
  return { cluster, evicted };
}

/** What can be said of a placement alone. */
function keepOrReason(name: string, machineId: string, cluster: Cluster): string | undefined {
  const { model } = cluster;
  const unit = model.unitByName.get(name);
  if (unit === undefined) return "unit no longer exists";
  if (!unit.wanted) return "target state inactive";
  if (unit.global) return "unit is global now";
  const machine = model.machineById.get(machineId);
  if (machine === undefined) return `target Machine(${machineId}) went away`;
  if (!cluster.fit.machines(unit).has(machine.rank)) return unableReason(unit, machine, cluster);
  cluster.place(unit, machine);
  return undefined;
}

/** fleet's words for a unit that must leave its machine. */
export function unableReason(unit: UnitNode, machine: MachineNode, cluster: Cluster): string {
  const why = firstRefusal(unit, machine, cluster)?.reason ?? "its place was needed";
  return `target Machine(${machine.id}) unable to run unit: ${why}`;
}

/** What only the units of a machine together tell. */
function settleMachine(machine: MachineNode, cluster: Cluster): Map<UnitNode, string> {
  const leaving = new Set<UnitNode>();
  const leave = (unit: UnitNode): void => {
    cluster.remove(unit);
    leaving.add(unit);
  };
  removeLonely(machine, cluster, leave);
  const victims = placedOn(machine, cluster).filter(
    (unit) => cluster.replacersOf(unit, machine).length > 0,
  );
  for (const victim of victims) leave(victim);
  for (let worst = mostConflicts(machine, cluster); worst !== undefined; ) {
    leave(worst);
    worst = mostConflicts(machine, cluster);
  }
  removeLonely(machine, cluster, leave);
  takeBack(machine, cluster, leaving);
  return new Map([...leaving].map((unit) => [unit, unableReason(unit, machine, cluster)]));
}

function placedOn(machine: MachineNode, cluster: Cluster): UnitNode[] {
  return [...cluster.unitsOn(machine)]
    .filter((unit) => !unit.global)
    .sort((a, b) => a.index - b.index);
}

/** Units whose MachineOf= is not all there leave, and those that need them, until all is well. */
function removeLonely(
  machine: MachineNode,
  cluster: Cluster,
  leave: (unit: UnitNode) => void,
): void {
  for (;;) {
    cluster.settleGlobals(machine);
    const lonely = [...cluster.unitsOn(machine)].filter(
      (unit) => !unit.global && unit.peers.length > 0 && !cluster.hasPeers(unit, machine),
    );
    if (lonely.length === 0) return;
    for (const unit of lonely) leave(unit);
  }
}

function mostConflicts(machine: MachineNode, cluster: Cluster): UnitNode | undefined {
  let worst: UnitNode | undefined;
  let most = 0;
  for (const unit of cluster.unitsOn(machine)) {
    if (unit.global || !cluster.hasConflict(unit, machine)) continue;
    const count = cluster.conflictsOf(unit, machine).length;
    if (count < most || (count === most && unit.index < worst!.index)) continue;
    worst = unit;
    most = count;
  }
  return worst;
}

/** Who turns out to have had to leave for nobody that stays, stays as well. */
function takeBack(machine: MachineNode, cluster: Cluster, leaving: Set<UnitNode>): void {
  for (let again = leaving.size > 0; again; ) {
    again = false;
    for (const unit of [...leaving].sort((a, b) => a.index - b.index)) {
      if (!passesAll(unit, machine, cluster)) continue;
      if (cluster.victimsOf(unit, machine).length > 0) continue;
      cluster.place(unit, machine);
      leaving.delete(unit);
      again = true;
    }
  }
}
