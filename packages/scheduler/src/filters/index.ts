import type { Cluster } from "../cluster.js";
import type { MachineNode, UnitNode } from "../model.js";
import type { Refusal } from "../types.js";
import { conflicts } from "./conflicts.js";
import { draining } from "./draining.js";
import type { Filter } from "./filter.js";
import { machineId } from "./machine-id.js";
import { machineMetadata } from "./machine-metadata.js";
import { machineOf } from "./machine-of.js";
import { replaces } from "./replaces.js";

/** In fleet's order of tests; a machine that drains is asked nothing else. */
const FILTERS: readonly Filter[] = [
  draining,
  machineId,
  machineMetadata,
  machineOf,
  conflicts,
  replaces,
];

/** What counts for a global unit: nothing else may stand with Global=. */
const GLOBAL_FILTERS: readonly Filter[] = [draining, machineMetadata, conflicts];

function filtersOf(unit: UnitNode): readonly Filter[] {
  return unit.global ? GLOBAL_FILTERS : FILTERS;
}

/** The first rule that speaks against the machine, or undefined. */
export function firstRefusal(
  unit: UnitNode,
  machine: MachineNode,
  cluster: Cluster,
): Refusal | undefined {
  const filter = filtersOf(unit).find((each) => !each.passes(unit, machine, cluster));
  return filter === undefined ? undefined : refusal(filter, unit, machine, cluster);
}

/** Every rule that speaks against the machine, in the order of tests. */
export function allRefusals(unit: UnitNode, machine: MachineNode, cluster: Cluster): Refusal[] {
  return filtersOf(unit)
    .filter((each) => !each.passes(unit, machine, cluster))
    .map((filter) => refusal(filter, unit, machine, cluster));
}

/** As `firstRefusal() === undefined`, without the words. */
export function passesAll(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  return filtersOf(unit).every((each) => each.passes(unit, machine, cluster));
}

function refusal(
  { option, explain }: Filter,
  unit: UnitNode,
  machine: MachineNode,
  cluster: Cluster,
): Refusal {
  return { machine: machine.id, option, reason: explain(unit, machine, cluster) };
}
