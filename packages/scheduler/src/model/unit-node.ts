import type { RefusalMemory } from "../cluster/refusal-memory.js";
import type { UnitJob } from "../types.js";
import type { Glob } from "./glob-index.js";
import type { MachineNode } from "./machine-node.js";
import type { Requests } from "./requests.js";
import type { AffinityTiers, Shape } from "./static-fit.js";

export const PRIORITY_DEFAULT = 50;

/** How many instances of a template that spread over a metadata key are on machines of each value. */
export interface SpreadGroup {
  readonly id: string;
  readonly key: string;
  readonly counts: Map<string, number>;
  /** How many units belong to it, placed or not. */
  members: number;
}

/** Units of one kind are refused alike: what one of them found out serves the others. */
export interface Kind {
  /** Machines that a rule other than room speaks against. */
  readonly refusals: RefusalMemory;
  /** Machines where pushing out lower priorities would not help. */
  readonly unyielding: RefusalMemory;
  /** The cluster's clock when no machine was left for it, or -1. */
  exhaustedAt: number;
}

/** What a unit's job says, resolved and shared; made by Model. */
export interface UnitRules {
  readonly peers: readonly string[];
  readonly conflicts: readonly Glob[];
  readonly replaces: Glob | undefined;
  readonly requests: Requests;
  readonly shape: Shape;
  readonly affinity: AffinityTiers | undefined;
  readonly spreads: readonly SpreadGroup[];
}

/** A unit of the cluster, and where it is. A changed job makes a new node. */
export class UnitNode {
  readonly name: string;
  readonly job: UnitJob;
  /** Loaded or launched. */
  readonly wanted: boolean;
  readonly global: boolean;
  readonly priority: number;
  /** MachineOf=, by name. */
  readonly peers: readonly string[];
  /** Conflicts=, each glob once. */
  readonly conflicts: readonly Glob[];
  readonly replaces: Glob | undefined;
  readonly requests: Requests;
  readonly shape: Shape;
  readonly affinity: AffinityTiers | undefined;
  readonly spreads: readonly SpreadGroup[];
  /** The globs of any unit's Conflicts= and Replaces= that match this unit's name. */
  matches: readonly Glob[] = [];
  /** The units that name this one in MachineOf=. */
  followers: Set<UnitNode> | undefined;

  /** Machine ID that was decided before, whether that still holds or not. */
  assigned: string | undefined;
  /** Where it counts as being; always undefined for a global unit. */
  machine: MachineNode | undefined;
  /** Its index among the units of its machine. */
  slot = -1;
  /** It waits for a machine, and is in the queue: kept by Queue. */
  waits = false;
  queued = false;
  /** The last listing of changed units that it is in: kept by Cluster. */
  listedIn = 0;
  /** Known while it looks for a machine. */
  kind: Kind | undefined;

  constructor(job: UnitJob, rules: UnitRules) {
    this.name = job.name;
    this.job = job;
    this.wanted = job.desired !== "inactive";
    this.global = job.fleet.global;
    this.priority = job.priority ?? PRIORITY_DEFAULT;
    this.peers = rules.peers;
    this.conflicts = rules.conflicts;
    this.replaces = rules.replaces;
    this.requests = rules.requests;
    this.shape = rules.shape;
    this.affinity = rules.affinity;
    this.spreads = rules.spreads;
  }

  /** Wanted, and to be placed on one machine. */
  get placeable(): boolean {
    return this.wanted && !this.global;
  }
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Either names the other in Conflicts=; a unit never conflicts with itself. */
export function conflict(a: UnitNode, b: UnitNode): boolean {
  return (
    a !== b &&
    (a.conflicts.some((glob) => b.matches.includes(glob)) ||
      b.conflicts.some((glob) => a.matches.includes(glob)))
  );
}

/**
 * `a` replaces `b` and not the other way round as well: a mutual pair is ignored. So is a global
 * unit, which has no other machine to move to.
 */
export function replaces(a: UnitNode, b: UnitNode): boolean {
  return a !== b && !b.global && names(a, b) && !names(b, a);
}

function names(a: UnitNode, b: UnitNode): boolean {
  return a.replaces !== undefined && b.matches.includes(a.replaces);
}
