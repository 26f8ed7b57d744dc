import { Cluster } from "./cluster.js";
import { buildModel } from "./model.js";
import type { ClusterState, Machine, UnitJob } from "./types.js";

/**
 * The names of the global units that must run on the machine, sorted: those that are wanted, whose
 * MachineMetadata= it meets, and that conflict neither with a unit that is placed there nor with a
 * global unit that comes before them by name. None while the machine drains.
 *
 * @example
 * ```ts
 * const here = [...globalUnitsFor(machine, state)]; // ["node-exporter.service"]
 * ```
 */
export function globalUnitsFor(machine: Machine, state: ClusterState): readonly string[] {
  const present = state.units.filter(
    ({ name, desired, fleet }) =>
      desired !== "inactive" && (fleet.global || state.placements.get(name) === machine.id),
  );
  const model = buildModel({ ...state, machines: [machine], units: present });
  const cluster = new Cluster(model);
  const node = model.machines[0]!;
  for (const unit of model.units) if (!unit.global) cluster.place(unit, node);
  cluster.settleGlobals(node);
  return model.globals.filter((unit) => cluster.unitsOn(node).has(unit)).map(({ name }) => name);
}

/** Whether this global unit is one of `globalUnitsFor(machine, state)`. */
export function canRunGlobal(unit: UnitJob, machine: Machine, state: ClusterState): boolean {
  return globalUnitsFor(machine, state).includes(unit.name);
}
