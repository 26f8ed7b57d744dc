import { plan } from "@flotilla/scheduler";
import { clusterState } from "../registry/cluster-state.js";
import type { ClusterView } from "../registry/cluster-view.js";
import type { UnitModels } from "../registry/unit-models.js";

/**
 * Why units that should have a machine have none. Planning is a pure function of the view, so every
 * node can tell, whether its engine leads or not; planned once a revision, when asked.
 */
export class UnplacedReasons {
  readonly #view: ClusterView;
  readonly #models: UnitModels;
  #reasons: ReadonlyMap<string, string> = new Map();
  #revision = -1;

  constructor(view: ClusterView, models: UnitModels) {
    this.#view = view;
    this.#models = models;
  }

  get size(): number {
    return this.#current().size;
  }

  reason(unit: string): string | undefined {
    return this.#current().get(unit);
  }

  #current(): ReadonlyMap<string, string> {
    if (this.#revision !== this.#view.revision) {
      const { unplaced } = plan(clusterState(this.#view, this.#models));
      this.#reasons = new Map(unplaced.map(({ unit, reason }) => [unit, reason]));
      this.#revision = this.#view.revision;
    }
    return this.#reasons;
  }
}
