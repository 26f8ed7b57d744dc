import { MachineSet } from "../cluster/machine-set.js";
import type { Affinity, UnitJob } from "../types.js";
import { Interner } from "./interner.js";
import type { MachineNode } from "./machine-node.js";

/** How many answers are kept; past that all are found out anew. */
const ANSWERS_MAX = 4_096;

/** What units demand of a machine's metadata; units that demand the same share one. */
export interface Shape {
  readonly id: number;
  readonly metadata: readonly (readonly [string, readonly string[]])[];
  /** Machines that fulfil it, as of `version` of the machines. */
  eligible: MachineSet | undefined;
  version: number;
}

/** What units wish for of a machine's metadata; units that wish for the same share one. */
export interface AffinityTiers {
  readonly id: number;
  readonly terms: readonly Affinity[];
  /** All machines, those that fulfil the most first, as of `version` of the machines. */
  tiers: readonly MachineSet[];
  version: number;
}

/**
 * What can be said of machines by what never changes while a plan is made: draining, ID and
 * metadata, as sets of machines.
 */
export class StaticFit {
  readonly #shapes = new Interner<Shape>();
  readonly #affinities = new Interner<AffinityTiers>();
  readonly #anywhere: Shape = { id: 0, metadata: [], eligible: undefined, version: -1 };
  #lastId = 0;
  /** Grows with every change of a machine: answers of an older version count no longer. */
  #version = 0;
  /** Shapes whose machines are known. */
  #answers: Shape[] = [];
  #machineCount = 0;
  #all = new MachineSet(0);
  #schedulable = new MachineSet(0);
  /** Metadata key → value → machines. */
  #values = new Map<string, Map<string, MachineSet>>();
  #byShortId = new Map<string, number[]>();

  /** Begins anew with these machines, which have their ranks. */
  reset(machines: readonly MachineNode[]): void {
    this.#machineCount = machines.length;
    this.#all = new MachineSet(machines.length);
    this.#schedulable = new MachineSet(machines.length);
    this.#values = new Map();
    this.#byShortId = new Map();
    for (const node of machines) this.add(node);
  }

  add({ rank, id, machine }: MachineNode): void {
    this.#version++;
    this.#all.add(rank);
    if (machine.schedulable) this.#schedulable.add(rank);
    const short = this.#byShortId.get(id.slice(0, 8));
    if (short === undefined) this.#byShortId.set(id.slice(0, 8), [rank]);
    else if (!short.includes(rank)) short.push(rank);
    for (const [key, value] of Object.entries(machine.metadata)) this.#having(key, value).add(rank);
  }

  /** Takes the machine out; its node must still say what it said when it was added. */
  remove({ rank, machine }: MachineNode): void {
    this.#version++;
    this.#all.delete(rank);
    this.#schedulable.delete(rank);
    for (const [key, value] of Object.entries(machine.metadata)) {
      this.#having(key, value).delete(rank);
    }
  }

  shape({ fleet: { machineMetadata } }: UnitJob): Shape {
    if (machineMetadata.size === 0) return this.#anywhere;
    const metadata = [...machineMetadata];
    const key = JSON.stringify(metadata);
    return this.#shapes.get(key, () => {
      return { id: ++this.#lastId, metadata, eligible: undefined, version: -1 };
    });
  }

  affinity({ affinity: terms = [] }: UnitJob): AffinityTiers | undefined {
    if (terms.length === 0) return undefined;
    const key = JSON.stringify(terms.map(({ key, value, weight }) => [key, value, weight]));
    return this.#affinities.get(key, () => {
      return { id: ++this.#lastId, terms, tiers: [], version: -1 };
    });
  }

  /** The machines that are not draining and have the metadata. Not to be changed. */
  eligible(shape: Shape): MachineSet {
    if (shape.metadata.length === 0) return this.#schedulable;
    if (shape.eligible !== undefined && shape.version === this.#version) return shape.eligible;
    const eligible = new MachineSet(this.#machineCount);
    eligible.copyFrom(this.#schedulable);
    const any = new MachineSet(this.#machineCount);
    for (const [key, values] of shape.metadata) {
      any.clear();
      for (const value of values) {
        const having = this.#values.get(key)?.get(value);
        if (having !== undefined) any.addAll(having);
      }
      eligible.keepOnly(any);
    }
    this.#remember(shape, eligible);
    return eligible;
  }

  /** All machines in sets, those whose fulfilled wishes weigh most first. Not to be changed. */
  tiers(affinity: AffinityTiers): readonly MachineSet[] {
    if (affinity.version === this.#version) return affinity.tiers;
    let tiers = new Map([[0, this.#all]]);
    for (const { key, value, weight } of affinity.terms) {
      const having = this.#values.get(key)?.get(value);
      if (having !== undefined) tiers = this.#split(tiers, having, weight);
    }
    affinity.tiers = [...tiers].sort(([a], [b]) => b - a).map(([, set]) => set);
    affinity.version = this.#version;
    return affinity.tiers;
  }

  /** The machines whose metadata has the pair. Not to be changed. */
  having(key: string, value: string): MachineSet | undefined {
    return this.#values.get(key)?.get(value);
  }

  /** The machines of every value of a metadata key. Not to be changed. */
  valuesOf(key: string): Iterable<MachineSet> {
    return this.#values.get(key)?.values() ?? [];
  }

  /** The ranks of the machines that MachineID= names. */
  named(machineId: string, byId: ReadonlyMap<string, MachineNode>): readonly number[] {
    const full = byId.get(machineId);
    const short = (this.#byShortId.get(machineId) ?? []).filter((rank) => this.#all.has(rank));
    return full === undefined || short.includes(full.rank) ? short : [full.rank, ...short];
  }

  #split(
    tiers: ReadonlyMap<number, MachineSet>,
    having: MachineSet,
    weight: number,
  ): Map<number, MachineSet> {
    const split = new Map<number, MachineSet>();
    const add = (score: number, set: MachineSet): void => {
      if (set.isEmpty()) return;
      const known = split.get(score);
      if (known === undefined) split.set(score, set);
      else known.addAll(set);
    };
    for (const [score, set] of tiers) {
      const inside = new MachineSet(this.#machineCount);
      inside.copyFrom(set);
      inside.keepOnly(having);
      const outside = new MachineSet(this.#machineCount);
      outside.copyFrom(set);
      outside.removeAll(having);
      add(score + weight, inside);
      add(score, outside);
    }
    return split;
  }

  #remember(shape: Shape, eligible: MachineSet): void {
    if (shape.eligible === undefined) this.#answers.push(shape);
    shape.eligible = eligible;
    shape.version = this.#version;
    if (this.#answers.length <= ANSWERS_MAX) return;
    for (const old of this.#answers) old.eligible = undefined;
    this.#answers = [];
  }

  #having(key: string, value: string): MachineSet {
    let byValue = this.#values.get(key);
    if (byValue === undefined) {
      byValue = new Map();
      this.#values.set(key, byValue);
    }
    let having = byValue.get(value);
    if (having === undefined) {
      having = new MachineSet(this.#machineCount);
      byValue.set(value, having);
    }
    return having;
  }
}
