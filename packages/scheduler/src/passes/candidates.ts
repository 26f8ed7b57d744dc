import type { Cluster } from "../cluster/cluster.js";
import type { MachineSet } from "../cluster/machine-set.js";
import type { Preference } from "../cluster/preference.js";
import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";

/** What a pass works on. */
export interface Scheduling {
  readonly cluster: Cluster;
  readonly preference: Preference;
  readonly candidates: Candidates;
}

/**
 * Which machines are worth a try for a unit: those that can run it at all, without those that
 * refused its like and have not changed since. Most units are taken by the first machine that they
 * try, so what their like went through is looked up only after a refusal.
 */
export class Candidates {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Puts the machines worth a try into `set`. */
  of(unit: UnitNode, set: MachineSet): void {
    this.#able(unit, set);
    if (unit.replaces !== undefined) return;
    const { machines } = this.#cluster;
    if (!unit.requests.none) unit.requests.refusals.exclude(set, machines);
    unit.kind?.refusals.exclude(set, machines);
  }

  /** Leaves those in `set` that are worth a try even so, when the first refused. */
  narrow(unit: UnitNode, set: MachineSet): void {
    if (unit.replaces !== undefined) return;
    const { machines, units } = this.#cluster;
    units.kindOf(unit).refusals.exclude(set, machines);
  }

  /** Of machines that refused it, those worth a try with units of lower priority pushed out. */
  ofPushing(unit: UnitNode, set: MachineSet): void {
    this.#able(unit, set);
    const { machines, units } = this.#cluster;
    units.kindOf(unit).unyielding.exclude(set, machines);
  }

  /** Nothing has changed since all machines refused a unit of its kind. */
  exhausted({ kind, replaces }: UnitNode): boolean {
    return replaces === undefined && kind?.exhaustedAt === this.#cluster.machines.recency.clock;
  }

  exhaust(unit: UnitNode): void {
    this.#cluster.units.kindOf(unit).exhaustedAt = this.#cluster.machines.recency.clock;
  }

  /**
   * What a machine alone decides holds until it changes. Whether the victims of Replaces= can move
   * is not of that sort, so units with victims are asked anew each time.
   */
  refused(unit: UnitNode, machine: MachineNode, by: "rules" | "room" | "pushing"): void {
    const { machines, units } = this.#cluster;
    if (by === "pushing") units.kindOf(unit).unyielding.add(machine, machines);
    else if (unit.replaces !== undefined) return;
    else if (by === "room") unit.requests.refusals.add(machine, machines);
    else units.kindOf(unit).refusals.add(machine, machines);
  }

  #able({ job, shape }: UnitNode, set: MachineSet): void {
    const { machines } = this.#cluster;
    const eligible = machines.fit.eligible(shape);
    const { machineId } = job.fleet;
    if (machineId === undefined) {
      set.copyFrom(eligible);
      return;
    }
    set.clear();
    for (const rank of machines.fit.named(machineId, machines.byId)) {
      if (eligible.has(rank)) set.add(rank);
    }
  }
}
