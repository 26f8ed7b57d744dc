import type { Cluster } from "../cluster/cluster.js";
import type { MachineSet } from "../cluster/machine-set.js";
import type { Preference } from "../cluster/preference.js";
import type { MachineNode } from "../model/machine-node.js";
import type { Kind, UnitNode } from "../model/unit-node.js";

/** What a pass works on. */
export interface Scheduling {
  readonly cluster: Cluster;
  readonly preference: Preference;
  readonly candidates: Candidates;
}

/**
 * Which machines are worth a try for a unit: those that can run it at all, without those that
 * refused its like and have not changed since.
 */
export class Candidates {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Puts the machines worth a try into `set`. */
  of(unit: UnitNode, set: MachineSet): void {
    this.#able(unit, set);
    const { recency } = this.#cluster.machines;
    if (unit.replaces !== undefined) return;
    if (!unit.requests.none) unit.requests.refusals.exclude(set, recency);
    this.#kindOf(unit).refusals.exclude(set, recency);
  }

  /** Of machines that refused it, those worth a try with units of lower priority pushed out. */
  ofPushing(unit: UnitNode, set: MachineSet): void {
    this.#able(unit, set);
    this.#kindOf(unit).unyielding.exclude(set, this.#cluster.machines.recency);
  }

  /** Nothing has changed since all machines refused a unit of its kind. */
  exhausted(unit: UnitNode): boolean {
    const { clock } = this.#cluster.machines.recency;
    return unit.replaces === undefined && this.#kindOf(unit).exhaustedAt === clock;
  }

  exhaust(unit: UnitNode): void {
    this.#kindOf(unit).exhaustedAt = this.#cluster.machines.recency.clock;
  }

  /**
   * What a machine alone decides holds until it changes. Whether the victims of Replaces= can move
   * is not of that sort, so units with victims are asked anew each time.
   */
  refused(unit: UnitNode, machine: MachineNode, by: "rules" | "room" | "pushing"): void {
    const { ranks } = this.#cluster.machines;
    if (unit.replaces !== undefined && by !== "pushing") return;
    if (by === "room") unit.requests.refusals.add(machine, ranks);
    else if (by === "pushing") this.#kindOf(unit).unyielding.add(machine, ranks);
    else this.#kindOf(unit).refusals.add(machine, ranks);
  }

  #kindOf(unit: UnitNode): Kind {
    return this.#cluster.units.kindOf(unit);
  }

  #able({ job, global, shape }: UnitNode, set: MachineSet): void {
    const { machines } = this.#cluster;
    const eligible = machines.fit.eligible(shape);
    const { machineId } = job.fleet;
    if (machineId === undefined || global) {
      set.copyFrom(eligible);
      return;
    }
    set.clear();
    for (const rank of machines.fit.named(machineId, machines.byId)) {
      if (eligible.has(rank)) set.add(rank);
    }
  }
}
