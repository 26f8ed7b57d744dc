import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Action } from "../types.js";
import type { Scheduling } from "./candidates.js";
import { isAlone, sortedByName } from "./groups.js";
import { placeAll } from "./placement.js";

/** How few levels apart two machines may be for nothing to be moved between them. */
const LEVELS_APART = 2;

/**
 * Moves units one by one from the fullest machine that can give one to the emptiest that can take
 * it, as long as that evens them out. A unit that MachineOf= ties to others stays, and so does one
 * that would go where it likes it less.
 */
export function rebalance(maxMoves: number, scheduling: Scheduling): Action[] {
  const moves: Action[] = [];
  const settled = new Set<MachineNode>();
  while (moves.length < 2 * maxMoves) {
    const from = fullest(scheduling, settled);
    if (from === undefined) return moves;
    const move = moveFrom(from, scheduling);
    if (move === undefined) settled.add(from);
    else moves.push(...move);
  }
  return moves;
}

function fullest(
  { cluster }: Scheduling,
  settled: ReadonlySet<MachineNode>,
): MachineNode | undefined {
  let fullest: MachineNode | undefined;
  for (const machine of cluster.machines.sorted()) {
    if (settled.has(machine) || machine.placed.length === 0) continue;
    if (fullest === undefined || machine.level > fullest.level) fullest = machine;
  }
  return fullest;
}

function moveFrom(from: MachineNode, scheduling: Scheduling): Action[] | undefined {
  for (const unit of sortedByName(from.placed)) {
    if (!isAlone(unit)) continue;
    const to = target(unit, from, scheduling);
    if (to === undefined) continue;
    const reason = `rebalance: Machine(${from.id}) is fuller than Machine(${to.id})`;
    return [
      { type: "unschedule", unit: unit.name, machine: from.id, reason },
      { type: "schedule", unit: unit.name, machine: to.id, reason },
    ];
  }
  return undefined;
}

/** Moves the unit to where it would go by itself, if that evens the two machines out. */
function target(
  unit: UnitNode,
  from: MachineNode,
  { cluster, preference, candidates }: Scheduling,
): MachineNode | undefined {
  const mark = cluster.mark();
  const before = from.level;
  cluster.remove(unit);
  const found = preference.using((set) => {
    candidates.of(unit, set);
    // Its own machine as well: where that comes first, the unit likes it best there.
    return preference.first(unit, set, (rank) => {
      const machine = cluster.machines.at(rank);
      return placeAll([unit], machine, cluster);
    });
  });
  const to = found < 0 ? undefined : cluster.machines.at(found);
  if (to !== undefined && to !== from && to.level + LEVELS_APART <= before + 1) return to;
  cluster.rollback(mark);
  return undefined;
}
