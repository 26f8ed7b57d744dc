import type { ClusterView } from "../registry/cluster-view.js";
import type { ClusterPlanner } from "./cluster-planner.js";

/**
 * Why units that should have a machine have none. Planning is a pure function of the view, so every
 * node can tell, whether its engine leads or not; found out once a revision, when asked.
 */
export class UnplacedReasons {
  readonly #view: ClusterView;
  readonly #planner: ClusterPlanner;
  #reasons: ReadonlyMap<string, string> = new Map();
  #revision = -1;

  constructor(view: ClusterView, planner: ClusterPlanner) {
    this.#view = view;
    this.#planner = planner;
  }

  get size(): number {
    return this.#planner.current().plan().waiting.length;
  }

  reason(unit: string): string | undefined {
    return this.#current().get(unit);
  }

  #current(): ReadonlyMap<string, string> {
    if (this.#revision !== this.#view.revision) {
      const unplaced = this.#planner.current().unplaced();
      this.#reasons = new Map(unplaced.map((each) => [each.unit, each.reason]));
      this.#revision = this.#view.revision;
    }
    return this.#reasons;
  }
}
