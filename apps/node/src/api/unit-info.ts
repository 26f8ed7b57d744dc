import type { UnplacedReasons } from "../engine/unplaced-reasons.js";
import type { ClusterView } from "../registry/cluster-view.js";
import type { UnitModels } from "../registry/unit-models.js";
import type { DesiredState, UnitInfo, UnitStateInfo } from "./types.js";

/** What the API tells of units, out of the view. */
export class UnitReader {
  readonly #view: ClusterView;
  readonly #models: UnitModels;
  readonly #unplaced: UnplacedReasons;

  constructor(view: ClusterView, models: UnitModels, unplaced: UnplacedReasons) {
    this.#view = view;
    this.#models = models;
    this.#unplaced = unplaced;
  }

  names(): string[] {
    return [...this.#view.units.keys()].sort();
  }

  info(name: string): UnitInfo | undefined {
    const unit = this.#view.units.get(name)?.value;
    if (unit === undefined) return undefined;
    const { model } = this.#models.get(name, unit);
    const desired = this.#view.desired.get(name)?.value.state ?? "inactive";
    const target = this.#view.schedule.get(name)?.value.machine;
    const unplaced = desired === "inactive" ? undefined : this.#unplaced.reason(name);
    const global = model?.fleet.global ?? false;
    return {
      name,
      hash: unit.hash,
      desired,
      ...(global ? {} : { current: this.#current(name, target) }),
      description: model?.unit.description ?? "",
      global,
      ...(target === undefined ? {} : { target }),
      ...(unplaced === undefined ? {} : { unplaced }),
    };
  }

  /** A unit's states, by machine. */
  states(name: string): UnitStateInfo[] {
    const byMachine = [...(this.#view.states.get(name) ?? [])].sort(([a], [b]) => compare(a, b));
    return byMachine.map(([machine, { value }]) => {
      const { hash, load, active, sub, mainPid, restarts, changedAt } = value;
      return { name, hash, machine, load, active, sub, mainPid, restarts, changedAt };
    });
  }

  allStates(): UnitStateInfo[] {
    return [...this.#view.states.keys()].sort().flatMap((name) => this.states(name));
  }

  /** Machines that have to do with a unit: its target, or all that report it. */
  machinesOf(name: string): string[] {
    const target = this.#view.schedule.get(name)?.value.machine;
    if (target !== undefined) return [target];
    return [...(this.#view.states.get(name)?.keys() ?? [])].sort();
  }

  /** fleet's current state: inactive until the target reports the unit, launched once started there. */
  #current(name: string, target: string | undefined): DesiredState {
    const state = target && this.#view.states.get(name)?.get(target)?.value;
    // What runs there may still be the content that this one replaced.
    if (!state || state.hash !== this.#view.units.get(name)?.value.hash) return "inactive";
    return state.launched ? "launched" : "loaded";
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
