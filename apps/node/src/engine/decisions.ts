import type { Compare, RequestOp } from "@flotilla/kv";
import type { Action } from "@flotilla/scheduler";
import type { ClusterView } from "../registry/cluster-view.js";
import type { RegistryKeys } from "../registry/keys.js";
import { encodeRecord } from "../registry/records.js";
import { deleteOp, noneUnder, putOp, sameCreation, unchanged } from "../registry/registry.js";

/**
 * Comparisons of one transaction, that of the leadership included. etcd takes 128 by default
 * (--max-txn-ops); a scheduled unit needs five, so a transaction holds up to 25 of them.
 */
const COMPARES_MAX = 128;

/** One action of a plan as the store is to take it. */
export interface Decision {
  readonly action: Action;
  readonly compare: readonly Compare[];
  readonly success: RequestOp;
}

/** What the decisions were read from, and where they are written to. */
export interface DecisionContext {
  readonly view: ClusterView;
  readonly keys: RegistryKeys;
}

/**
 * The actions that can be written now, in order, each with the revisions of what led to it: its
 * unit and what is wanted of it, its place so far, and its machine.
 *
 * A unit that some machine still has loaded is left for later, since a unit that moves stops first;
 * so is whoever needs it beside itself. Nobody else waits for them.
 */
export function decisions(actions: readonly Action[], context: DecisionContext): Decision[] {
  const { view } = context;
  const later = new Set<string>();
  const now: Decision[] = [];
  for (const action of actions) {
    const { type, unit, after = [] } = action;
    const runsStill = type === "schedule" && view.states.has(unit);
    if (runsStill || after.some((leader) => later.has(leader))) later.add(unit);
    else now.push(type === "schedule" ? schedule(action, context) : unschedule(action, context));
  }
  return now;
}

/** Decisions that are written together, one unit at most once in each; their order is kept. */
export function transactions(decided: readonly Decision[]): Decision[][] {
  const all: Decision[][] = [];
  let compares = COMPARES_MAX;
  let units = new Set<string>();
  for (const decision of decided) {
    const { unit } = decision.action;
    if (compares + decision.compare.length > COMPARES_MAX || units.has(unit)) {
      all.push([]);
      compares = 1;
      units = new Set();
    }
    all.at(-1)!.push(decision);
    compares += decision.compare.length;
    units.add(unit);
  }
  return all;
}

/** What makes the decisions one transaction that only the engine of this leadership can write. */
export function transaction(
  decided: readonly Decision[],
  { keys }: DecisionContext,
  leadership: number,
): { compare: Compare[]; success: RequestOp[] } {
  return {
    compare: [sameCreation(keys.engine, leadership), ...decided.flatMap(({ compare }) => compare)],
    success: decided.map(({ success }) => success),
  };
}

function unschedule(action: Action, { view, keys }: DecisionContext): Decision {
  const key = keys.schedule(action.unit);
  const known = view.schedule.get(action.unit)?.modRevision ?? 0;
  return { action, compare: [unchanged(key, known)], success: deleteOp(key) };
}

function schedule(action: Action, { view, keys }: DecisionContext): Decision {
  const { unit, machine, reason } = action;
  return {
    action,
    compare: [
      // An unschedule of the same plan comes first: whatever the view shows, there is no place now.
      unchanged(keys.schedule(unit), 0),
      noneUnder(keys.states(unit)),
      unchanged(keys.unit(unit), view.units.get(unit)?.modRevision ?? -1),
      unchanged(keys.desired(unit), view.desired.get(unit)?.modRevision ?? 0),
      unchanged(keys.machine(machine), view.machines.get(machine)?.modRevision ?? -1),
    ],
    success: putOp(keys.schedule(unit), encodeRecord("schedule", { machine, reason })),
  };
}
