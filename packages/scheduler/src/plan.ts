import { Scheduler } from "./scheduler.js";
import type { ClusterState, ExplainedPlan, MachineVerdict } from "./types.js";

/**
 * What has to change so that every wanted unit runs where it may, and nothing else: fleet's rules,
 * then room, then the machine that the unit and the strategy prefer, ties by machine ID. Pure and
 * deterministic: the order of the input does not matter, and the plan of a cluster to which its
 * plan was applied is empty. It is the definition of what a {@link Scheduler} tells.
 *
 * Actions come in an order in which each is safe by itself: first all that ends, followers before
 * those whom they name in MachineOf=, then all that begins, the other way round. Global units are
 * not in a plan: see `globalUnitsFor`.
 *
 * @example
 * ```ts
 * const { actions, unplaced } = plan({ machines, units, placements });
 * for (const { type, unit, machine, reason } of actions) console.log(type, unit, machine, reason);
 * for (const { unit, reason } of unplaced) console.log(`${unit} has no machine: ${reason}`);
 * ```
 */
export function plan(state: ClusterState): ExplainedPlan {
  const scheduler = Scheduler.of(state);
  return { ...scheduler.plan(), unplaced: scheduler.unplaced() };
}

/**
 * What speaks for and against running the unit on each machine: see {@link Scheduler.explain}.
 *
 * @example
 * ```ts
 * for (const { machine, refusals } of explain(state, "web@1.service")) {
 *   console.log(machine, refusals.map(({ reason }) => reason).join("; ") || "can run it");
 * }
 * ```
 */
export function explain(state: ClusterState, unit: string): readonly MachineVerdict[] {
  return Scheduler.of(state).explain(unit);
}
