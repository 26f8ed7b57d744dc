import { assign } from "./assignment.js";
import type { Cluster } from "./cluster.js";
import { evict, unableReason } from "./eviction.js";
import { leadersFirst } from "./groups.js";
import { buildModel, type UnitNode } from "./model.js";
import type { Action, ClusterState, Plan } from "./types.js";
import { explainUnplaced } from "./unplaced.js";

/**
 * What has to change so that every wanted unit runs where it may, and nothing else: fleet's rules,
 * the least loaded machine first, ties by machine ID. Pure and deterministic: the order of the
 * input does not matter, and the plan of a cluster to which its plan was applied is empty.
 *
 * Actions come in an order in which each is safe by itself: first all that ends, followers before
 * those whom they name in MachineOf=, then all that begins, the other way round. Global units are
 * not in a plan: see `globalUnitsFor`.
 *
 * Unit names and machine IDs are unique in `state`.
 *
 * @example
 * ```ts
 * const { actions, unplaced } = plan({ machines, units, placements });
 * for (const { type, unit, machine, reason } of actions) console.log(type, unit, machine, reason);
 * for (const { unit, reason } of unplaced) console.log(`${unit} has no machine: ${reason}`);
 * ```
 */
export function plan(state: ClusterState): Plan {
  const { cluster, evicted } = evict(state, buildModel(state));
  assign(cluster);
  return {
    actions: [...unschedules(state, cluster, evicted), ...schedules(state, cluster)],
    unplaced: explainUnplaced(cluster),
  };
}

function unschedules(
  { placements }: ClusterState,
  cluster: Cluster,
  evicted: ReadonlyMap<string, string>,
): Action[] {
  const known: UnitNode[] = [];
  const unknown: string[] = [];
  for (const [name, machine] of placements) {
    const unit = cluster.model.unitByName.get(name);
    if (unit === undefined) unknown.push(name);
    else if (placeOf(unit, cluster) !== machine) known.push(unit);
  }
  const names = [
    ...unknown.sort(),
    ...leadersFirst(known)
      .map(({ name }) => name)
      .reverse(),
  ];
  return names.map((unit): Action => {
    const machine = placements.get(unit)!;
    const reason = evicted.get(unit) ?? displacedReason(unit, machine, cluster);
    return { type: "unschedule", unit, machine, reason };
  });
}

/** For units that the schedule pass moved, to make room for one that replaces them. */
function displacedReason(name: string, machineId: string, cluster: Cluster): string {
  const unit = cluster.model.unitByName.get(name)!;
  return unableReason(unit, cluster.model.machineById.get(machineId)!, cluster);
}

function schedules({ placements }: ClusterState, cluster: Cluster): Action[] {
  const changed = cluster.model.units.filter((unit) => {
    const machine = placeOf(unit, cluster);
    return machine !== undefined && placements.get(unit.name) !== machine;
  });
  return leadersFirst(changed).map((unit): Action => {
    const reason = `target state ${unit.job.desired} and unit not scheduled`;
    return { type: "schedule", unit: unit.name, machine: placeOf(unit, cluster)!, reason };
  });
}

function placeOf(unit: UnitNode, cluster: Cluster): string | undefined {
  return cluster.model.machines[cluster.placeOf(unit)]?.id;
}
