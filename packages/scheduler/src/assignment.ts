import type { Cluster } from "./cluster.js";
import { connected, leadersFirst } from "./groups.js";
import { MachineSet } from "./machine-set.js";
import type { UnitNode } from "./model.js";
import { tryPlace } from "./placement.js";

/**
 * fleet's schedule pass: every unit that is wanted and has no machine gets the least loaded one
 * that can run it. Units that MachineOf= ties together go as a group, to the machine that can take
 * most of them. Ends when nothing more can be placed.
 */
export function assign(cluster: Cluster): void {
  let waiting = unplaced(cluster);
  for (let before = Number.POSITIVE_INFINITY; waiting.length < before; ) {
    before = waiting.length;
    for (const group of connected(waiting, cluster.model)) placeGroup(leadersFirst(group), cluster);
    // A victim of Replaces= that moved may have made room for one that was refused before.
    waiting = unplaced(cluster);
  }
}

/** Wanted, not global, and without a machine; by name. */
export function unplaced(cluster: Cluster): UnitNode[] {
  return cluster.model.units.filter(
    (unit) => unit.wanted && !unit.global && cluster.placeOf(unit) < 0,
  );
}

/** Takes the best machine for what is left of the group until no machine takes any of it. */
function placeGroup(group: readonly UnitNode[], cluster: Cluster): void {
  let left = group;
  while (left.length > 1) {
    const best = bestMachine(left, cluster);
    if (best < 0) return;
    placeMost(left, best, cluster);
    left = left.filter((unit) => cluster.placeOf(unit) < 0);
  }
  const single = left[0];
  if (single === undefined) return;
  cluster.order.first(candidates(single, cluster), (rank) =>
    tryPlace(single, cluster.model.machines[rank]!, cluster),
  );
}

/** A unit with MachineOf= can only be where the first that it names is placed. */
function candidates(unit: UnitNode, cluster: Cluster): MachineSet {
  const fit = cluster.fit.machines(unit);
  const peer = cluster.model.units[unit.peers[0] ?? -1];
  if (peer === undefined || peer.global) return fit;
  const rank = cluster.placeOf(peer);
  const only = rank >= 0 && fit.has(rank) ? [rank] : [];
  return MachineSet.of(cluster.model.machines.length, only);
}

/** The least loaded of the machines that can take most of the group, or -1. */
function bestMachine(group: readonly UnitNode[], cluster: Cluster): number {
  const any = new MachineSet(cluster.model.machines.length);
  for (const unit of group) any.addAll(cluster.fit.machines(unit));
  let best = -1;
  let most = 0;
  const whole = cluster.order.first(any, (rank) => {
    const mark = cluster.mark();
    const count = placeMost(group, rank, cluster);
    cluster.rollback(mark);
    if (count > most) {
      most = count;
      best = rank;
    }
    return count === group.length;
  });
  return whole >= 0 ? whole : best;
}

/** Places on the machine what it takes of the group, leaders first; how many that were. */
function placeMost(group: readonly UnitNode[], rank: number, cluster: Cluster): number {
  const machine = cluster.model.machines[rank]!;
  let count = 0;
  for (const unit of group) if (tryPlace(unit, machine, cluster)) count += 1;
  return count;
}
