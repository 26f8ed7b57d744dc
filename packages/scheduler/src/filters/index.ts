import type { Cluster } from "../cluster/cluster.js";
import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Refusal } from "../types.js";
import { conflicts } from "./conflicts.js";
import { draining } from "./draining.js";
import type { Filter } from "./filter.js";
import { machineId } from "./machine-id.js";
import { machineMetadata } from "./machine-metadata.js";
import { machineOf } from "./machine-of.js";
import { replaces } from "./replaces.js";
import { RESOURCE_FILTERS } from "./resources.js";

/** In fleet's order of tests, then what fleet did not know; a machine that drains is asked first. */
const FILTERS: readonly Filter[] = [
  draining,
  machineId,
  machineMetadata,
  machineOf,
  conflicts,
  replaces,
  ...RESOURCE_FILTERS,
];

/** What counts for a global unit: no other option may stand with Global=. */
const GLOBAL_FILTERS: readonly Filter[] = [
  draining,
  machineMetadata,
  conflicts,
  ...RESOURCE_FILTERS,
];

function filtersOf(unit: UnitNode): readonly Filter[] {
  return unit.global ? GLOBAL_FILTERS : FILTERS;
}

/** A rule that spoke against a machine. */
export interface Objection extends Refusal {
  /** The reason without what differs from machine to machine. */
  readonly summary: string;
}

/** The first rule that speaks against the machine, or undefined. */
export function firstRefusal(
  unit: UnitNode,
  machine: MachineNode,
  cluster: Cluster,
): Objection | undefined {
  const filter = filtersOf(unit).find((each) => !each.passes(unit, machine, cluster));
  return filter === undefined ? undefined : objection(filter, unit, machine, cluster);
}

/** Every rule that speaks against the machine, in the order of tests. */
export function allRefusals(unit: UnitNode, machine: MachineNode, cluster: Cluster): Objection[] {
  return filtersOf(unit)
    .filter((each) => !each.passes(unit, machine, cluster))
    .map((filter) => objection(filter, unit, machine, cluster));
}

/** What never changes while a plan is made allows it: draining, MachineID and MachineMetadata. */
export function fitsAtAll(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  return (
    machine.machine.schedulable &&
    machineId.passes(unit, machine, cluster) &&
    (unit.shape.metadata.length === 0 || machineMetadata.passes(unit, machine, cluster))
  );
}

/** All but the resources allow it. */
export function passesRules(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  return (
    fitsAtAll(unit, machine, cluster) &&
    cluster.hasPeers(unit, machine) &&
    !cluster.hasConflict(unit, machine) &&
    replaces.passes(unit, machine, cluster)
  );
}

/** As `firstRefusal() === undefined` for a unit that is not global, without the words. */
export function passesAll(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean {
  return passesRules(unit, machine, cluster) && cluster.hasRoom(unit, machine);
}

function objection(
  filter: Filter,
  unit: UnitNode,
  machine: MachineNode,
  cluster: Cluster,
): Objection {
  const reason = filter.explain(unit, machine, cluster);
  const summary = filter.summarize?.(unit) ?? reason;
  return { machine: machine.id, option: filter.option, reason, summary };
}
