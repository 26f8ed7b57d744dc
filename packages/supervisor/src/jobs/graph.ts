import type { UnitModel } from "@flotilla/units";
import type { UnitSettings } from "../settings/unit-settings.js";

/** The relations between units, by systemd's names; the second of each pair is the first seen from the other end. */
export const RELATIONS = [
  ["requires", "requiredBy"],
  ["requisite", "requisiteOf"],
  ["wants", "wantedBy"],
  ["bindsTo", "boundBy"],
  ["partOf", "consistsOf"],
  ["upholds", "upheldBy"],
  ["conflicts", "conflictedBy"],
  ["before", "after"],
  ["onFailure", "onFailureOf"],
  ["onSuccess", "onSuccessOf"],
  ["propagatesStopTo", "stopPropagatedFrom"],
  ["triggers", "triggeredBy"],
] as const;

/** A relation in either direction. */
export type Relation = (typeof RELATIONS)[number][number];

const INVERSE: ReadonlyMap<Relation, Relation> = new Map(
  RELATIONS.flatMap(([one, other]): [Relation, Relation][] => [
    [one, other],
    [other, one],
  ]),
);

const NONE: ReadonlySet<string> = new Set();

/** A unit as far as the graph goes. */
export interface GraphUnit {
  readonly model: UnitModel;
  /** What the model does not carry. */
  readonly settings?: UnitSettings;
  /** Units that it starts by itself when it is time: it is ordered before them. */
  readonly triggers?: readonly string[];
}

/** Relations that are read from the settings, by their keys in [Unit]. */
const BY_KEY: readonly (readonly [key: string, relation: Relation])[] = [
  ["PropagatesStopTo", "propagatesStopTo"],
  ["StopPropagatedFrom", "stopPropagatedFrom"],
];

/** Who depends on whom and how, in both directions. Units that are named need not be loaded. */
export class DependencyGraph {
  readonly #edges = new Map<string, Map<Relation, Set<string>>>();

  /** The graph of these units' own dependencies and of those that targets have by default. */
  static of(units: Iterable<GraphUnit>): DependencyGraph {
    const all = [...units];
    const models = all.map(({ model }) => model);
    const graph = new DependencyGraph();
    for (const unit of all) graph.#addUnit(unit);
    const byName = new Map(models.map((model) => [model.name.name, model]));
    for (const model of models) {
      if (model.name.type === "target") graph.#addTargetOrder(model, byName);
    }
    return graph;
  }

  /** Records `from` → `to` and its inverse; a unit has no relation to itself. */
  add(from: string, relation: Relation, to: string): void {
    const inverse = INVERSE.get(relation);
    if (from === to || inverse === undefined) return;
    this.#insert(from, relation, to);
    this.#insert(to, inverse, from);
  }

  /** The units that `name` stands in `relation` to. */
  get(name: string, relation: Relation): ReadonlySet<string> {
    return this.#edges.get(name)?.get(relation) ?? NONE;
  }

  #insert(from: string, relation: Relation, to: string): void {
    const relations = this.#edges.get(from) ?? new Map<Relation, Set<string>>();
    this.#edges.set(from, relations);
    const names = relations.get(relation) ?? new Set<string>();
    relations.set(relation, names);
    names.add(to);
  }

  #addUnit({ model, settings, triggers = [] }: GraphUnit): void {
    const { name } = model.name;
    const { unit } = model;
    const own = {
      requires: unit.requires,
      requisite: unit.requisite,
      wants: unit.wants,
      bindsTo: unit.bindsTo,
      partOf: unit.partOf,
      upholds: unit.upholds,
      conflicts: unit.conflicts,
      before: unit.before,
      after: unit.after,
      onFailure: unit.onFailure,
      onSuccess: unit.onSuccess,
    };
    for (const [relation, others] of Object.entries(own) as [Relation, readonly string[]][]) {
      for (const other of others) this.add(name, relation, other);
    }
    for (const [key, relation] of BY_KEY) {
      for (const other of settings?.words("Unit", key) ?? []) this.add(name, relation, other);
    }
    for (const other of triggers) {
      this.add(name, "triggers", other);
      this.add(name, "before", other);
    }
  }

  /** systemd.target(5): a target comes after what it pulls in, unless that is ordered after it. */
  #addTargetOrder(model: UnitModel, byName: ReadonlyMap<string, UnitModel>): void {
    const name = model.name.name;
    if (!model.unit.defaultDependencies) return;
    for (const relation of ["requires", "wants", "bindsTo", "upholds"] as const) {
      for (const other of this.get(name, relation)) {
        const otherHasDefaults = byName.get(other)?.unit.defaultDependencies ?? false;
        if (otherHasDefaults && !this.get(name, "before").has(other))
          this.add(name, "after", other);
      }
    }
  }
}
