import { evict } from "./eviction.js";
import { buildModel } from "./model.js";
import { refusalsOf } from "./placement.js";
import type { ClusterState, MachineVerdict } from "./types.js";

/**
 * For every machine, by ID: everything that speaks against running the unit there, or nothing. What
 * holds no longer (a unit that has to leave its machine) does not count; the unit itself counts as
 * not placed. Empty when there is no unit of that name.
 *
 * @example
 * ```ts
 * for (const { machine, refusals } of explain(state, "web@1.service")) {
 *   console.log(machine, refusals.map(({ reason }) => reason).join("; ") || "can run it");
 * }
 * ```
 */
export function explain(state: ClusterState, unit: string): readonly MachineVerdict[] {
  const model = buildModel(state);
  const node = model.unitByName.get(unit);
  if (node === undefined) return [];
  const { cluster } = evict(state, model);
  const { order } = cluster;
  const loads = model.machines.map(({ rank }) => order.load(rank));
  const home = model.machines[cluster.placeOf(node)];
  if (home !== undefined) {
    cluster.remove(node);
    cluster.settleGlobals(home);
  }
  return model.machines.map((machine) => ({
    machine: machine.id,
    load: loads[machine.rank]!,
    current: node.global
      ? cluster.unitsOn(machine).has(node)
      : state.placements.get(unit) === machine.id,
    // Where it stays, nothing speaks against it; elsewhere it is judged as if it had to move.
    refusals: machine === home ? [] : refusalsOf(node, machine, cluster),
  }));
}
