import type { UnitNode } from "../model/unit-node.js";
import { homelessReason, unableReason } from "../passes/eviction.js";
import { leadersFirst, sortedByName } from "../passes/groups.js";
import type { Action } from "../types.js";
import type { Base } from "./base.js";

/** What leads from the placements that were told to those that the passes came to. */
export function actions(base: Base, reasons: ReadonlyMap<UnitNode, string>): Action[] {
  const moved: UnitNode[] = [];
  for (const unit of base.cluster.changed()) {
    if (!unit.global && unit.assigned !== unit.machine?.id) moved.push(unit);
  }
  return [
    ...unschedules(base, [...new Set([...moved, ...base.homeless])], reasons),
    ...schedules(moved.filter((unit) => unit.machine !== undefined)),
  ];
}

function unschedules(
  { cluster, strangers, homeless }: Base,
  moved: readonly UnitNode[],
  reasons: ReadonlyMap<UnitNode, string>,
): Action[] {
  const unknown = [...strangers].sort(([a], [b]) => (a < b ? -1 : 1));
  const leaving = sortedByName(moved.filter((unit) => unit.assigned !== undefined));
  const reasonOf = (unit: UnitNode): string => {
    if (homeless.has(unit)) return homelessReason(unit, cluster);
    // Without a reason yet are those that made room for one that replaces them.
    return (
      reasons.get(unit) ?? unableReason(unit, cluster.machines.byId.get(unit.assigned!)!, cluster)
    );
  };
  return [
    ...unknown.map(([unit, machine]): Action => {
      return { type: "unschedule", unit, machine, reason: "unit no longer exists" };
    }),
    ...[...leadersFirst(leaving)].reverse().map((unit): Action => {
      const { name, assigned } = unit;
      return { type: "unschedule", unit: name, machine: assigned!, reason: reasonOf(unit) };
    }),
  ];
}

function schedules(moved: readonly UnitNode[]): Action[] {
  const ordered = leadersFirst(sortedByName(moved));
  const tied = ordered.some(({ peers }) => peers.length > 0);
  const names = new Set(tied ? ordered.map(({ name }) => name) : []);
  return ordered.map(({ name, job, peers, machine }): Action => {
    const reason =
      job.desired === "loaded"
        ? "target state loaded and unit not scheduled"
        : "target state launched and unit not scheduled";
    const action = { type: "schedule", unit: name, machine: machine!.id, reason } as const;
    if (peers.length === 0) return action;
    const after = peers.filter((peer) => names.has(peer));
    return after.length === 0 ? action : { ...action, after };
  });
}
