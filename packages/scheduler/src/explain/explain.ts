import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Scheduling } from "../passes/candidates.js";
import { refusalsOf } from "../passes/placement.js";
import type { MachineVerdict, Resources } from "../types.js";
import { publicRefusal } from "./unplaced.js";

/** What every machine, by ID, has to say of the unit. Takes the unit from where it is. */
export function explainUnit(unit: UnitNode, scheduling: Scheduling): MachineVerdict[] {
  const { cluster } = scheduling;
  const machines = cluster.machines.sorted();
  const before = new Map(machines.map((machine) => [machine, standing(unit, machine)]));
  const home = unit.machine;
  if (home !== undefined) {
    cluster.remove(unit);
    cluster.settleGlobals(home);
  }
  // Where it stays, nothing speaks against it; elsewhere it is judged as if it had to move.
  const refusals = new Map(
    machines.map((machine) => [
      machine,
      machine === home ? [] : refusalsOf(unit, machine, scheduling).map(publicRefusal),
    ]),
  );
  const able = machines.filter((machine) => refusals.get(machine)!.length === 0);
  const choices = unit.global ? [] : inOrderOfChoice(unit, able, scheduling);
  return machines.map((machine) => {
    const choice = choices.indexOf(machine) + 1;
    return {
      machine: machine.id,
      ...before.get(machine)!,
      refusals: refusals.get(machine)!,
      ...(choice > 0 ? { choice } : {}),
    };
  });
}

function standing(
  unit: UnitNode,
  machine: MachineNode,
): Omit<MachineVerdict, "machine" | "refusals"> {
  return {
    load: machine.load,
    free: freeOf(machine),
    affinity: affinityOf(unit, machine),
    current: unit.global ? machine.has(unit) : unit.assigned === machine.id,
  };
}

function freeOf({ used, capacity }: MachineNode): Resources {
  return {
    cpu: capacity.cpu - used.cpu,
    memory: capacity.memory - used.memory,
    tasks: capacity.tasks - used.tasks,
  };
}

function affinityOf({ affinity }: UnitNode, { machine: { metadata } }: MachineNode): number {
  const fulfilled = (affinity?.terms ?? []).filter(
    ({ key, value }) => Object.hasOwn(metadata, key) && metadata[key] === value,
  );
  return fulfilled.reduce((sum, { weight }) => sum + weight, 0);
}

function inOrderOfChoice(
  unit: UnitNode,
  able: readonly MachineNode[],
  { cluster, preference }: Scheduling,
): MachineNode[] {
  return preference.using((set) => {
    set.clear();
    for (const { rank } of able) set.add(rank);
    const order: MachineNode[] = [];
    preference.first(unit, set, (rank) => {
      order.push(cluster.machines.at(rank));
      return false;
    });
    return order;
  });
}
