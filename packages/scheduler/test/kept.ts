import type { ClusterState } from "../src/index.js";
import { evict } from "../src/passes/eviction.js";
import { Base } from "../src/session/base.js";

/** The placements that the unschedule pass leaves: with these the schedule pass begins. */
export function keptBy(state: ClusterState): Map<string, string> {
  const base = new Base(state.strategy ?? "least-units");
  base.apply({
    machines: new Map(state.machines.map((machine) => [machine.id, machine])),
    units: new Map(state.units.map((unit) => [unit.name, unit])),
    placements: state.placements,
  });
  for (const machine of base.dirty) {
    base.cluster.resettleGlobals(machine);
    evict(machine, base.cluster);
  }
  const kept = new Map<string, string>();
  for (const { name, machine } of base.cluster.units.byName.values()) {
    if (machine !== undefined) kept.set(name, machine.id);
  }
  return kept;
}
