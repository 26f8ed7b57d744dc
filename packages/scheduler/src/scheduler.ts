import { Preference } from "./cluster/preference.js";
import { explainUnit } from "./explain/explain.js";
import { explainUnplaced } from "./explain/unplaced.js";
import type { UnitNode } from "./model/unit-node.js";
import { type Assignment, assign } from "./passes/assignment.js";
import { Candidates, type Scheduling } from "./passes/candidates.js";
import { evict } from "./passes/eviction.js";
import { sortedByName } from "./passes/groups.js";
import { merge } from "./passes/queue.js";
import { rebalance } from "./passes/rebalance.js";
import { actions } from "./session/actions.js";
import { Base } from "./session/base.js";
import type {
  Action,
  Changes,
  ClusterState,
  MachineVerdict,
  Plan,
  Strategy,
  UnitJob,
  Unplaced,
} from "./types.js";

/** What the passes came to, before it is taken back. */
interface Outcome extends Assignment {
  /** Why units lost the place that they had; those that a unit with Replaces= moved are not in here. */
  readonly reasons: ReadonlyMap<UnitNode, string>;
}

/**
 * A cluster that is followed through its changes: it takes what has become different and tells what
 * should be done, in a time that depends on the changes and on what waits, not on the size of the
 * cluster. Its plan is always that of {@link plan} for the same state, whatever led there.
 *
 * A plan changes nothing here: what of it was carried out is told like every other change.
 *
 * @example
 * ```ts
 * const scheduler = new Scheduler({ strategy: "pack" });
 * scheduler.apply({ machines: new Map([["n1", machine]]), units: new Map([["a.service", job]]) });
 * const { actions } = scheduler.plan();
 * scheduler.applyActions(actions);
 * ```
 */
export class Scheduler {
  readonly #strategy: Strategy;
  readonly #base: Base;
  readonly #scheduling: Scheduling;
  #plan: Plan | undefined;

  constructor(options: { readonly strategy?: Strategy | undefined } = {}) {
    this.#strategy = options.strategy ?? "least-units";
    this.#base = new Base(this.#strategy);
    const { cluster } = this.#base;
    const preference = new Preference(cluster.machines);
    this.#scheduling = { cluster, preference, candidates: new Candidates(cluster) };
  }

  /** A session that was told of everything in `state`. */
  static of(state: ClusterState): Scheduler {
    const scheduler = new Scheduler({ strategy: state.strategy });
    scheduler.#base.apply({
      machines: new Map(state.machines.map((machine) => [machine.id, machine])),
      units: named(state.units),
      placements: state.placements,
    });
    return scheduler;
  }

  /** Takes what has become different. What is told again and is the same costs a comparison. */
  apply(changes: Changes): void {
    if (this.#base.apply(changes)) this.#plan = undefined;
  }

  /** As `apply` of the placements that the actions lead to. */
  applyActions(actions: readonly Action[]): void {
    const placements = new Map<string, string | undefined>();
    for (const { type, unit, machine } of actions) {
      placements.set(unit, type === "schedule" ? machine : undefined);
    }
    this.apply({ placements });
  }

  /** What has to change so that every wanted unit runs where it may, and nothing else. */
  plan(): Plan {
    this.#plan ??= this.#try(({ waiting, reasons }) => ({
      actions: actions(this.#base, reasons),
      waiting: namesOf(waiting),
    }));
    return this.#plan;
  }

  /** Who waits once the plan was carried out, by name, and why each machine refuses. */
  unplaced(): readonly Unplaced[] {
    return this.#try(({ waiting }) => explainUnplaced(sortedByName(waiting), this.#scheduling));
  }

  /**
   * For every machine, by ID: everything that speaks against running the unit there, or nothing.
   * What holds no longer (a unit that has to leave its machine) does not count; the unit itself
   * counts as not placed. Empty when there is no unit of that name.
   */
  explain(unit: string): readonly MachineVerdict[] {
    const node = this.#base.cluster.units.byName.get(unit);
    if (node === undefined) return [];
    return this.#undo(() => {
      this.#evict();
      return explainUnit(node, this.#scheduling);
    });
  }

  /** The names of the global units that must run on the machine; see {@link globalUnitsFor}. */
  globalUnits(machineId: string): readonly string[] {
    const machine = this.#base.cluster.machines.byId.get(machineId);
    if (machine === undefined) return [];
    return this.#undo(() => namesOf(machine.globals));
  }

  /**
   * Moves of units that run well where they are, to even out the cluster (or, when it packs, to
   * empty machines): at most `maxMoves`, each an unschedule and a schedule. Nothing while the plan
   * itself has something to do. No plan ever holds such moves.
   */
  rebalance(maxMoves: number): readonly Action[] {
    if (this.plan().actions.length > 0) return [];
    return this.#undo(() => rebalance(maxMoves, this.#strategy, this.#scheduling));
  }

  #try<T>(use: (outcome: Outcome) => T): T {
    return this.#undo(() => {
      const { queue } = this.#base;
      const evicted = this.#evict();
      const leavers = [...evicted.keys()].sort(queue.order);
      const waiting = merge(queue.sorted(), leavers, queue.order);
      const assignment = assign(waiting, queue.order, this.#scheduling);
      const reasons = new Map([...assignment.pushed, ...evicted]);
      return use({ ...assignment, reasons });
    });
  }

  /** Ends what does not hold on machines that changed; those where all holds are clean from now on. */
  #evict(): Map<UnitNode, string> {
    const { cluster, dirty } = this.#base;
    const evicted = new Map<UnitNode, string>();
    for (const machine of dirty) {
      const mark = cluster.mark();
      const globals = namesOf(machine.globals).join();
      const leavers = evict(machine, cluster);
      for (const [unit, reason] of leavers) evicted.set(unit, reason);
      if (leavers.size > 0 || namesOf(machine.globals).join() !== globals) continue;
      // Whatever was tried, all is as it was.
      cluster.rollback(mark);
      dirty.delete(machine);
    }
    return evicted;
  }

  /** Runs on the cluster as it was told, with its global units settled, and takes all changes back. */
  #undo<T>(work: () => T): T {
    const { cluster, dirty } = this.#base;
    for (const machine of dirty) cluster.resettleGlobals(machine);
    cluster.commit();
    try {
      return work();
    } finally {
      cluster.rollback(0);
    }
  }
}

function namesOf(units: readonly UnitNode[]): string[] {
  return sortedByName(units).map(({ name }) => name);
}

function* named(units: readonly UnitJob[]): Generator<readonly [string, UnitJob]> {
  for (const unit of units) yield [unit.name, unit];
}
