import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Action, Strategy } from "../types.js";
import type { Scheduling } from "./candidates.js";
import { isAlone, sortedByName } from "./groups.js";
import { placeAll } from "./placement.js";

interface Move {
  readonly unit: UnitNode;
  readonly from: MachineNode;
  readonly to: MachineNode;
}

/**
 * At most `maxMoves` moves of units that run well where they are. A unit that MachineOf= ties to
 * others stays, and nobody goes where it likes it less.
 *
 * Unless the cluster is packed, one by one from the fullest machine that can give a unit away to
 * where that unit would go by itself, as long as it evens the two out. Where it is packed, machines
 * are emptied, those with the least first, each wholly or not at all.
 */
export function rebalance(maxMoves: number, strategy: Strategy, scheduling: Scheduling): Action[] {
  const find = strategy === "pack" ? emptyOne : evenOut;
  const done = new Set<MachineNode>();
  const moves: Move[] = [];
  for (;;) {
    const from = nextSource(scheduling, strategy, done);
    if (from === undefined || moves.length >= maxMoves) return moves.flatMap(actionsOf);
    const found = find(from, maxMoves - moves.length, scheduling);
    if (found.length === 0) done.add(from);
    moves.push(...found);
  }
}

/** The fullest machine that was not tried, or where it is packed the emptiest; ties by ID. */
function nextSource(
  { cluster }: Scheduling,
  strategy: Strategy,
  done: ReadonlySet<MachineNode>,
): MachineNode | undefined {
  let next: MachineNode | undefined;
  for (const machine of cluster.machines.sorted()) {
    if (done.has(machine) || machine.placed.length === 0) continue;
    const sooner =
      next === undefined ||
      (strategy === "pack" ? machine.level < next.level : machine.level > next.level);
    if (sooner) next = machine;
  }
  return next;
}

function evenOut(from: MachineNode, _: number, scheduling: Scheduling): Move[] {
  const { cluster } = scheduling;
  for (const unit of sortedByName(from.placed)) {
    if (!isAlone(unit)) continue;
    const mark = cluster.mark();
    const before = from.level;
    // Its own machine is among the choices: where that comes first, the unit likes it best there.
    const to = moveAnywhere(unit, scheduling, () => true);
    if (to !== undefined && to !== from && to.level < before) return [{ unit, from, to }];
    cluster.rollback(mark);
  }
  return [];
}

function emptyOne(from: MachineNode, maxMoves: number, scheduling: Scheduling): Move[] {
  const { cluster } = scheduling;
  const { placed } = from;
  if (placed.length > maxMoves || !placed.every(isAlone)) return [];
  const mark = cluster.mark();
  const moves: Move[] = [];
  for (const unit of sortedByName(placed).sort((a, b) => b.requests.size - a.requests.size)) {
    const used = (to: MachineNode): boolean => to !== from && to.placed.length > 0;
    const to = moveAnywhere(unit, scheduling, used);
    if (to === undefined) {
      cluster.rollback(mark);
      return [];
    }
    moves.push({ unit, from, to });
  }
  return moves;
}

/** Moves the unit to the first machine of its choice that can run it and is allowed. */
function moveAnywhere(
  unit: UnitNode,
  { cluster, preference, candidates }: Scheduling,
  allowed: (machine: MachineNode) => boolean,
): MachineNode | undefined {
  cluster.remove(unit);
  const found = preference.using((set) => {
    candidates.of(unit, set);
    return preference.first(unit, set, (rank) => {
      const machine = cluster.machines.at(rank);
      return allowed(machine) && placeAll([unit], machine, cluster);
    });
  });
  return found < 0 ? undefined : cluster.machines.at(found);
}

function actionsOf({ unit: { name }, from, to }: Move): Action[] {
  const reason = `rebalance: from Machine(${from.id}) to Machine(${to.id})`;
  return [
    { type: "unschedule", unit: name, machine: from.id, reason },
    { type: "schedule", unit: name, machine: to.id, reason },
  ];
}
