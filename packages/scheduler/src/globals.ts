import { Scheduler } from "./scheduler.js";
import type { ClusterState, Machine, UnitJob } from "./types.js";

/**
 * The names of the global units that must run on the machine, sorted: those that are wanted, whose
 * MachineMetadata= it meets, for which there is room, and that conflict neither with a unit that is
 * placed there nor with a global unit that comes before them by name. None while the machine drains.
 *
 * @example
 * ```ts
 * const here = [...globalUnitsFor(machine, state)]; // ["node-exporter.service"]
 * ```
 */
export function globalUnitsFor(machine: Machine, state: ClusterState): readonly string[] {
  const units = state.units.filter(
    ({ name, desired, fleet }) =>
      desired !== "inactive" && (fleet.global || state.placements.get(name) === machine.id),
  );
  const present = new Set(units.map(({ name }) => name));
  const placements = new Map([...state.placements].filter(([name]) => present.has(name)));
  return Scheduler.of({ ...state, machines: [machine], units, placements }).globalUnits(machine.id);
}

/** Whether this global unit is one of `globalUnitsFor(machine, state)`. */
export function canRunGlobal(unit: UnitJob, machine: Machine, state: ClusterState): boolean {
  return globalUnitsFor(machine, state).includes(unit.name);
}
