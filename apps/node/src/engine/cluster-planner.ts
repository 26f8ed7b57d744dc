import { type Changes, Scheduler } from "@flotilla/scheduler";
import { clusterState, jobOf, machineOf } from "../registry/cluster-state.js";
import type { ClusterView } from "../registry/cluster-view.js";
import type { UnitModels } from "../registry/unit-models.js";
import type { ViewChanges } from "../registry/view-changes.js";

/**
 * The scheduler of a node, kept as new as its view: what changed there since it was last asked is
 * told to it, and nothing else. The engine plans with it, and every node explains with it, whether
 * its engine leads or not.
 */
export class ClusterPlanner {
  readonly #view: ClusterView;
  readonly #models: UnitModels;
  readonly #unseen: ViewChanges;
  #scheduler = new Scheduler();

  constructor(view: ClusterView, models: UnitModels) {
    this.#view = view;
    this.#models = models;
    this.#unseen = view.follow();
  }

  /** The scheduler, with all that the view shows. */
  current(): Scheduler {
    const { everything, ...changed } = this.#unseen.take();
    if (everything) this.#scheduler = Scheduler.of(clusterState(this.#view, this.#models));
    else if (changed.units.size + changed.machines.size + changed.schedule.size > 0) {
      this.#scheduler.apply(this.#changesOf(changed));
    }
    return this.#scheduler;
  }

  #changesOf(changed: {
    readonly units: ReadonlySet<string>;
    readonly machines: ReadonlySet<string>;
    readonly schedule: ReadonlySet<string>;
  }): Changes {
    const view = this.#view;
    const models = this.#models;
    return {
      machines: valuesOf(changed.machines, (id) => {
        const record = view.machines.get(id);
        return record && machineOf(record.value);
      }),
      units: valuesOf(changed.units, (name) => {
        if (!view.units.has(name)) models.forget(name);
        return jobOf(name, view, models);
      }),
      placements: valuesOf(changed.schedule, (name) => view.schedule.get(name)?.value.machine),
    };
  }
}

function valuesOf<T>(names: ReadonlySet<string>, value: (name: string) => T): Map<string, T> {
  return new Map([...names].map((name) => [name, value(name)]));
}
