import type { FleetSection } from "@flotilla/units";

export type DesiredState = "inactive" | "loaded" | "launched";

export interface Machine {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** False while draining: keeps nothing, takes nothing. */
  readonly schedulable: boolean;
}

export interface UnitJob {
  readonly name: string;
  readonly desired: DesiredState;
  readonly fleet: FleetSection;
}

/** What is: everything that a decision depends on. */
export interface ClusterState {
  readonly machines: readonly Machine[];
  readonly units: readonly UnitJob[];
  /** Unit name → machine ID, as decided before. */
  readonly placements: ReadonlyMap<string, string>;
}

export interface Action {
  readonly type: "schedule" | "unschedule";
  readonly unit: string;
  readonly machine: string;
  /** fleet's words: "target state inactive", "target Machine(X) went away", … */
  readonly reason: string;
}

/** Why one machine was not taken. */
export interface Refusal {
  readonly machine: string;
  readonly option:
    | "MachineID"
    | "MachineMetadata"
    | "MachineOf"
    | "Conflicts"
    | "Replaces"
    | "Global"
    | "Draining";
  readonly reason: string;
}

export interface Unplaced {
  readonly unit: string;
  /** One line for people. */
  readonly reason: string;
  readonly refusals: readonly Refusal[];
}

export interface Plan {
  /** In order: applied one after another they never break a rule on the way. */
  readonly actions: readonly Action[];
  readonly unplaced: readonly Unplaced[];
}

/** What `explain` says of one machine. */
export interface MachineVerdict {
  readonly machine: string;
  /** Units there now, global ones counted: the fewer, the sooner it is chosen. */
  readonly load: number;
  /** True when the unit is placed on this machine already. */
  readonly current: boolean;
  /** Everything that speaks against the machine; empty when the unit can run there. */
  readonly refusals: readonly Refusal[];
}
