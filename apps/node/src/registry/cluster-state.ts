import { type ClusterState, type Machine, requestsOf, type UnitJob } from "@flotilla/scheduler";
import { isValidUnitName, parseUnitName } from "@flotilla/units";
import type { ClusterView } from "./cluster-view.js";
import type { MachineRecord } from "./records.js";
import type { UnitModels } from "./unit-models.js";

/** The view as the scheduler wants it. Templates and units that do not parse have no place in it. */
export function clusterState(view: ClusterView, models: UnitModels): ClusterState {
  const machines = [...view.machines.values()].map(({ value }) => machineOf(value));
  const units: UnitJob[] = [];
  for (const name of view.units.keys()) {
    const job = jobOf(name, view, models);
    if (job !== undefined) units.push(job);
  }
  const placements = new Map<string, string>();
  for (const [name, { value }] of view.schedule) placements.set(name, value.machine);
  models.keepOnly(view.units);
  return { machines, units, placements };
}

/** The machine as the scheduler wants it. */
export function machineOf({ id, metadata, schedulable, capacity }: MachineRecord): Machine {
  return { id, metadata, schedulable, ...(capacity === undefined ? {} : { capacity }) };
}

/** The unit as the scheduler wants it; undefined for what cannot run anywhere. */
export function jobOf(name: string, view: ClusterView, models: UnitModels): UnitJob | undefined {
  const unit = view.units.get(name)?.value;
  // Somebody else's key, or one of a newer version, must not stop the engine.
  if (unit === undefined || !isValidUnitName(name) || parseUnitName(name).isTemplate) {
    return undefined;
  }
  const { model, placement } = models.get(name, unit);
  if (model === undefined) return undefined;
  const desired = view.desired.get(name)?.value.state ?? "inactive";
  const requests = requestsOf(model, placement);
  return { name, desired, fleet: model.fleet, ...placement, requests };
}
