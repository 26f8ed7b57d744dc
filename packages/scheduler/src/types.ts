import type { FleetSection } from "@flotilla/units";

export type DesiredState = "inactive" | "loaded" | "launched";

/** Amounts that machines have and units ask for. */
export interface Resources {
  /** Thousandths of a CPU. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
  /** Processes and threads. */
  readonly tasks: number;
}

/**
 * Which of the machines that can run a unit gets it, when the unit itself prefers none:
 *
 * - `least-units`: fleet's rule, the fewest units first, whatever they ask for
 * - `spread`: the least filled first
 * - `pack`: the fullest that has room first, so that few machines are used
 */
export type Strategy = "least-units" | "spread" | "pack";

export interface Machine {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** False while draining: keeps nothing, takes nothing. */
  readonly schedulable: boolean;
  /** What units may ask for together; an amount that is absent is without bound. */
  readonly capacity?: Partial<Resources>;
}

/** A wish, not a demand: machines whose metadata has the pair are taken sooner, or later. */
export interface Affinity {
  readonly key: string;
  readonly value: string;
  /** −100 to 100; what a machine fulfils adds up. */
  readonly weight: number;
}

export interface UnitJob {
  readonly name: string;
  readonly desired: DesiredState;
  readonly fleet: FleetSection;
  /** What has to be free on its machine; nothing by default. */
  readonly requests?: Partial<Resources>;
  /**
   * 0 to 100, 50 by default. The higher is placed first, and takes the room of lower ones where
   * there is no other.
   */
  readonly priority?: number;
  readonly affinity?: readonly Affinity[];
  /**
   * Metadata keys: the instances of one template are spread evenly over the values of the first,
   * then of the second, and so on.
   */
  readonly spread?: readonly string[];
}

/** What is: everything that a decision depends on. Unit names and machine IDs are unique. */
export interface ClusterState {
  readonly machines: readonly Machine[];
  readonly units: readonly UnitJob[];
  /** Unit name → machine ID, as decided before. */
  readonly placements: ReadonlyMap<string, string>;
  /** `least-units` by default. */
  readonly strategy?: Strategy;
}

/** What has become different: by name, the new value, or undefined for what is no more. */
export interface Changes {
  readonly machines?: ReadonlyMap<string, Machine | undefined>;
  readonly units?: ReadonlyMap<string, UnitJob | undefined>;
  readonly placements?: ReadonlyMap<string, string | undefined>;
}

export interface Action {
  readonly type: "schedule" | "unschedule";
  readonly unit: string;
  readonly machine: string;
  /** fleet's words: "target state inactive", "target Machine(X) went away", … */
  readonly reason: string;
  /** Units of the same plan that must be scheduled before this one, which names them in MachineOf=. */
  readonly after?: readonly string[];
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
    | "CPU"
    | "Memory"
    | "Tasks"
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
  /** Wanted units that have no machine once the actions are done, by name. */
  readonly waiting: readonly string[];
}

/** A plan that also tells of every waiting unit why it waits. */
export interface ExplainedPlan extends Plan {
  readonly unplaced: readonly Unplaced[];
}

/** What `explain` says of one machine. */
export interface MachineVerdict {
  readonly machine: string;
  /** Units there now, global ones counted. */
  readonly load: number;
  /** What is not asked for yet by the units there; Infinity where the machine states no capacity. */
  readonly free: Resources;
  /** The sum of the weights of the unit's affinities that the machine fulfils. */
  readonly affinity: number;
  /** True when the unit is placed on this machine already. */
  readonly current: boolean;
  /** Everything that speaks against the machine; empty when the unit can run there. */
  readonly refusals: readonly Refusal[];
  /** Among the machines that can run it, 1 for the one that it would get. */
  readonly choice?: number;
}
