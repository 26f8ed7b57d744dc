import type { Cluster } from "./cluster.js";
import { allRefusals, firstRefusal, passesAll } from "./filters/index.js";
import { connected, leadersFirst } from "./groups.js";
import type { MachineNode, UnitNode } from "./model.js";
import type { Refusal } from "./types.js";

/**
 * Puts the unit on the machine if every rule allows it, moving the victims of its Replaces= to
 * other machines first. Either all of it happens or nothing.
 */
export function tryPlace(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  if (!passesAll(unit, machine, cluster)) return false;
  const victims = cluster.victimsOf(unit, machine);
  if (victims.length > 0) return displace(unit, machine, victims, cluster);
  cluster.place(unit, machine);
  return true;
}

/** Why `tryPlace` would refuse: the first rule in the order of tests. Changes nothing. */
export function refusalOf(
  unit: UnitNode,
  machine: MachineNode,
  cluster: Cluster,
): Refusal | undefined {
  return firstRefusal(unit, machine, cluster) ?? stuckVictims(unit, machine, cluster);
}

/** All that speaks against the machine. Changes nothing. */
export function refusalsOf(unit: UnitNode, machine: MachineNode, cluster: Cluster): Refusal[] {
  const refusals = allRefusals(unit, machine, cluster);
  if (refusals.length > 0) return refusals;
  const stuck = stuckVictims(unit, machine, cluster);
  return stuck === undefined ? [] : [stuck];
}

function stuckVictims(unit: UnitNode, machine: MachineNode, cluster: Cluster): Refusal | undefined {
  const victims = cluster.victimsOf(unit, machine);
  if (victims.length === 0) return undefined;
  const mark = cluster.mark();
  const moved = displace(unit, machine, victims, cluster);
  cluster.rollback(mark);
  if (moved) return undefined;
  const names = victims.map(({ name }) => name).join(" and ");
  return {
    machine: machine.id,
    option: "Replaces",
    reason: `replaces ${names}, which cannot move elsewhere,`,
  };
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
  cluster: Cluster,
): boolean {
  const mark = cluster.mark();
  const leavers = withFollowers(victims, machine, cluster);
  for (const leaver of leavers) cluster.remove(leaver);
  const done =
    passesAll(unit, machine, cluster) &&
    settle(unit, machine, cluster) &&
    connected(leavers, cluster.model).every((group) => moveTogether(group, machine, cluster));
  if (!done) cluster.rollback(mark);
  return done;
}

/** The unit comes, global units that waited may come too, and nobody there loses a peer by that. */
function settle(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  cluster.place(unit, machine);
  cluster.settleGlobals(machine);
  for (const other of cluster.unitsOn(machine)) {
    if (!other.global && !cluster.hasPeers(other, machine)) return false;
  }
  return true;
}

function withFollowers(
  victims: readonly UnitNode[],
  machine: MachineNode,
  cluster: Cluster,
): UnitNode[] {
  const leavers = new Set(victims);
  for (const leaver of leavers) {
    for (const follower of cluster.model.followers.get(leaver.index) ?? []) {
      if (cluster.placeOf(follower) === machine.rank) leavers.add(follower);
    }
  }
  return [...leavers];
}

function moveTogether(group: readonly UnitNode[], from: MachineNode, cluster: Cluster): boolean {
  const ordered = leadersFirst(group);
  const candidates = cluster.fit.machines(ordered[0]!);
  const found = cluster.order.first(candidates, (rank) => {
    if (rank === from.rank) return false;
    const machine = cluster.model.machines[rank]!;
    const mark = cluster.mark();
    const all = ordered.every((unit) => {
      if (!passesAll(unit, machine, cluster)) return false;
      if (cluster.victimsOf(unit, machine).length > 0) return false;
      cluster.place(unit, machine);
      return true;
    });
    if (!all) cluster.rollback(mark);
    return all;
  });
  return found >= 0;
}
