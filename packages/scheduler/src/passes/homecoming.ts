import type { UnitNode } from "../model/unit-node.js";
import type { Scheduling } from "./candidates.js";
import { leadersFirst, sortedByName } from "./groups.js";
import { placeAll, withFollowers } from "./placement.js";

/**
 * Who had to leave its machine for one that moved on itself goes back, with those who need it beside
 * them: otherwise it would have been moved for nothing. By name, each unit once. Whether any did.
 */
export function comeHome(scheduling: Scheduling, back: Set<UnitNode>): boolean {
  const { cluster } = scheduling;
  const away = sortedByName(cluster.changed()).filter(
    (unit) => unit.assigned !== undefined && unit.machine?.id !== unit.assigned,
  );
  let any = false;
  for (const unit of away) {
    if (unit.machine === undefined || unit.machine.id === unit.assigned) continue;
    if (back.has(unit) || !goBack(unit, scheduling)) continue;
    back.add(unit);
    any = true;
  }
  return any;
}

function goBack(unit: UnitNode, { cluster }: Scheduling): boolean {
  const home = cluster.machines.byId.get(unit.assigned!);
  const from = unit.machine!;
  if (home === undefined) return false;
  const mark = cluster.mark();
  const movers = leadersFirst(sortedByName(withFollowers([unit], from)));
  for (const mover of movers) cluster.remove(mover);
  cluster.settleGlobals(from);
  const done =
    from.placed.every((other) => cluster.hasPeers(other, from)) && placeAll(movers, home, cluster);
  if (!done) cluster.rollback(mark);
  return done;
}
