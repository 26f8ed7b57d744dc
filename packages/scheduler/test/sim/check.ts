import { deepStrictEqual } from "node:assert/strict";
import type { Action, Changes, ClusterState } from "../../src/index.js";
import { plan, Scheduler } from "../../src/index.js";
import { keptBy } from "../kept.js";
import { Oracle } from "../oracle.js";
import { applied } from "../states.js";
import { Random, randomChanges, randomState } from "./random.js";

/** Changes that one cluster goes through. */
export const STEPS = 10;

/**
 * One random cluster and what befalls it. After every change the session's plan is compared with one
 * from scratch, and both with the oracle. Throws at the first difference, violated constraint or
 * needless move.
 */
export function checkCluster(seed: number): void {
  const random = new Random(seed);
  let state = randomState(random);
  const session = Scheduler.of(state);
  for (let step = 0; step <= STEPS; step++) {
    const actions = checkPlan(session, state);
    // What was planned is carried out wholly, in part, or not at all before the next thing happens.
    const carriedOut = actions.slice(0, random.pick([0, random.below(actions.length + 1), 99]));
    const changes = withActions(randomChanges(random), carriedOut);
    state = changed(state, changes);
    session.apply(changes);
  }
}

function checkPlan(session: Scheduler, state: ClusterState): readonly Action[] {
  const { actions, waiting } = session.plan();
  const { unplaced, ...fromScratch } = plan(state);
  deepStrictEqual({ actions, waiting }, fromScratch, "not as planned from scratch");
  deepStrictEqual(session.unplaced(), unplaced, "explained otherwise than from scratch");

  const oracle = new Oracle(state);
  const after = applied(state, { actions, waiting });
  deepStrictEqual([...oracle.violations(after)], [], "a constraint is violated");
  deepStrictEqual(
    new Map([...after].sort()),
    new Map([...oracle.assign(keptBy(state))].sort()),
    "not where the oracle places it",
  );
  deepStrictEqual(needlessMoves(oracle, actions, after), [], "a needless move");
  deepStrictEqual(plan({ ...state, placements: after }).actions, [], "the plan leaves something");
  return actions;
}

function needlessMoves(
  oracle: Oracle,
  actions: readonly Action[],
  after: ReadonlyMap<string, string>,
): string[] {
  return actions
    .filter(({ type, unit: name }) => {
      const unit = oracle.units.find((each) => each.name === name);
      if (type === "schedule" || unit === undefined) return false;
      if (unit.desired === "inactive" || unit.fleet.global) return false;
      return oracle.backHome(unit, after) !== undefined;
    })
    .map(({ unit, machine }) => `${unit} could have stayed on ${machine}`);
}

function withActions(changes: Required<Changes>, actions: readonly Action[]): Required<Changes> {
  const placements = new Map<string, string | undefined>();
  for (const { type, unit, machine } of actions) {
    placements.set(unit, type === "schedule" ? machine : undefined);
  }
  return { ...changes, placements: new Map([...placements, ...changes.placements]) };
}

function changed(state: ClusterState, changes: Required<Changes>): ClusterState {
  const machines = merged(new Map(state.machines.map((each) => [each.id, each])), changes.machines);
  const units = merged(new Map(state.units.map((each) => [each.name, each])), changes.units);
  return {
    ...state,
    machines: [...machines.values()],
    units: [...units.values()],
    placements: merged(state.placements, changes.placements),
  };
}

function merged<T>(
  before: ReadonlyMap<string, T>,
  changes: ReadonlyMap<string, T | undefined>,
): Map<string, T> {
  const after = new Map(before);
  for (const [name, value] of changes) {
    if (value === undefined) after.delete(name);
    else after.set(name, value);
  }
  return after;
}
