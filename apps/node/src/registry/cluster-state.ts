import type { ClusterState, Machine, UnitJob } from "@flotilla/scheduler";
import { isValidUnitName, parseUnitName } from "@flotilla/units";
import type { ClusterView } from "./cluster-view.js";
import type { UnitModels } from "./unit-models.js";

/** The view as the scheduler wants it. Templates and units that do not parse have no place in it. */
export function clusterState(view: ClusterView, models: UnitModels): ClusterState {
  const machines: Machine[] = [];
  for (const [id, { value }] of view.machines) {
    machines.push({ id, metadata: value.metadata, schedulable: value.schedulable });
  }
  const units: UnitJob[] = [];
  for (const [name, { value }] of view.units) {
    // Somebody else's key, or one of a newer version, must not stop the engine.
    if (!isValidUnitName(name) || parseUnitName(name).isTemplate) continue;
    const { model } = models.get(name, value);
    if (model === undefined) continue;
    const desired = view.desired.get(name)?.value.state ?? "inactive";
    units.push({ name, desired, fleet: model.fleet });
  }
  const placements = new Map<string, string>();
  for (const [name, { value }] of view.schedule) placements.set(name, value.machine);
  models.keepOnly(view.units);
  return { machines, units, placements };
}
