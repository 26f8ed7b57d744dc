import type { Cluster } from "../cluster/cluster.js";
import { allRefusals, type Objection, passesAll, passesRules } from "../filters/index.js";
import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Scheduling } from "./candidates.js";
import { connected, leadersFirst, sortedByName } from "./groups.js";

/**
 * Puts the unit on the machine if every rule allows it, moving the victims of its Replaces= to
 * other machines first. Either all of it happens or nothing.
 */
export function tryPlace(unit: UnitNode, machine: MachineNode, scheduling: Scheduling): boolean {
  const { cluster, candidates } = scheduling;
  if (!passesRules(unit, machine, cluster)) {
    candidates.refused(unit, machine, "rules");
    return false;
  }
  // What victims leave behind may be the room that it needs.
  const victims = cluster.victimsOf(unit, machine);
  if (victims.length > 0) return displace(unit, machine, victims, scheduling);
  if (!cluster.hasRoom(unit, machine)) {
    candidates.refused(unit, machine, "room");
    return false;
  }
  cluster.place(unit, machine);
  return true;
}

/** Why `tryPlace` would refuse: the first rule in the order of tests. Changes nothing. */
export function refusalOf(
  unit: UnitNode,
  machine: MachineNode,
  scheduling: Scheduling,
): Objection | undefined {
  return refusalsOf(unit, machine, scheduling)[0];
}

/** All that speaks against the machine. Changes nothing. */
export function refusalsOf(
  unit: UnitNode,
  machine: MachineNode,
  scheduling: Scheduling,
): Objection[] {
  const { cluster } = scheduling;
  const victims = cluster.victimsOf(unit, machine);
  if (victims.length === 0 || !passesRules(unit, machine, cluster)) {
    return allRefusals(unit, machine, cluster);
  }
  const mark = cluster.mark();
  const moved = displace(unit, machine, victims, scheduling);
  cluster.rollback(mark);
  if (moved) return [];
  const names = victims.map(({ name }) => name).join(" and ");
  const reason = `replaces ${names}, which cannot move elsewhere,`;
  return [{ machine: machine.id, option: "Replaces", reason, summary: reason }];
}

/**
 * The victims and everybody who must be where they are (MachineOf) leave, the unit comes, and the
 * leavers must all find another machine on which they displace nobody: no cascades, and no unit
 * loses its place to Replaces= for nothing.
 */
function displace(
  unit: UnitNode,
  machine: MachineNode,
  victims: readonly UnitNode[],
  scheduling: Scheduling,
): boolean {
  const { cluster } = scheduling;
  const mark = cluster.mark();
  const leavers = withFollowers(victims, machine);
  for (const leaver of leavers) cluster.remove(leaver);
  const done =
    passesAll(unit, machine, cluster) &&
    settle(unit, machine, cluster) &&
    connected(sortedByName(leavers), cluster.units).every((group) =>
      moveTogether(group, machine, scheduling),
    );
  if (!done) cluster.rollback(mark);
  return done;
}

/** The unit comes, global units that waited may come too, and nobody there loses a peer by that. */
export function settle(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  cluster.place(unit, machine);
  cluster.settleGlobals(machine);
  return machine.placed.every((other) => cluster.hasPeers(other, machine));
}

/** The units and everybody on the machine who needs one of them there, or one of those. */
export function withFollowers(units: readonly UnitNode[], machine: MachineNode): UnitNode[] {
  const all = new Set(units);
  for (const unit of all) {
    for (const follower of unit.followers ?? []) {
      if (follower.machine === machine) all.add(follower);
    }
  }
  return [...all];
}

function moveTogether(
  group: readonly UnitNode[],
  from: MachineNode,
  { cluster, preference }: Scheduling,
): boolean {
  const { machines } = cluster;
  const ordered = leadersFirst(group);
  const leader = ordered[0]!;
  const found = preference.first(leader, machines.fit.eligible(leader.shape), (rank) => {
    const machine = machines.at(rank);
    return machine !== from && placeAll(ordered, machine, cluster);
  });
  return found >= 0;
}

/** Puts all on the machine, displacing nobody, or none. */
export function placeAll(
  ordered: readonly UnitNode[],
  machine: MachineNode,
  cluster: Cluster,
): boolean {
  const mark = cluster.mark();
  const all = ordered.every((unit) => {
    if (!passesAll(unit, machine, cluster)) return false;
    if (cluster.victimsOf(unit, machine).length > 0) return false;
    cluster.place(unit, machine);
    return true;
  });
  if (!all) cluster.rollback(mark);
  return all;
}
