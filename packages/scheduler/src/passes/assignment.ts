import type { MachineSet } from "../cluster/machine-set.js";
import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Scheduling } from "./candidates.js";
import { groupOf, isAlone, leadersFirst } from "./groups.js";
import { comeHome } from "./homecoming.js";
import { tryPlace } from "./placement.js";
import { pushOut } from "./preemption.js";

/** What the schedule pass came to. */
export interface Assignment {
  /** Who found no machine, in order. */
  readonly waiting: readonly UnitNode[];
  /** Who had to make room for a higher priority, and why. */
  readonly pushed: ReadonlyMap<UnitNode, string>;
}

/**
 * fleet's schedule pass: every unit that waits gets the best machine that can run it. Units that
 * MachineOf= ties together go as a group, to the machine that can take most of them. Ends when
 * nothing more can be placed, and nobody was moved for nothing.
 */
export function assign(
  queue: readonly UnitNode[],
  inOrder: (a: UnitNode, b: UnitNode) => number,
  scheduling: Scheduling,
): Assignment {
  const pushed = new Map<UnitNode, string>();
  const back = new Set<UnitNode>();
  let waiting = queue;
  for (;;) {
    const round = new Round(waiting, pushed, scheduling);
    round.run();
    if (!round.placedAny && !comeHome(scheduling, back)) return { waiting, pushed };
    // A victim that moved may have made room for one that was refused before.
    waiting = waiting.filter((unit) => unit.machine === undefined);
    const leavers = round.leavers.filter((unit) => unit.machine === undefined);
    if (leavers.length > 0) waiting = [...new Set([...waiting, ...leavers])].sort(inOrder);
  }
}

/** Every waiting unit once. */
class Round {
  readonly #waiting: readonly UnitNode[];
  readonly #pushed: Map<UnitNode, string>;
  readonly #scheduling: Scheduling;
  /** Units that lost their place to a higher priority. */
  readonly leavers: UnitNode[] = [];
  placedAny = false;

  constructor(waiting: readonly UnitNode[], pushed: Map<UnitNode, string>, scheduling: Scheduling) {
    this.#waiting = waiting;
    this.#pushed = pushed;
    this.#scheduling = scheduling;
  }

  run(): void {
    const { units } = this.#scheduling.cluster;
    const tied = new Map<UnitNode, number>();
    this.#waiting.forEach((unit, place) => {
      if (!isAlone(unit)) tied.set(unit, place);
    });
    const seen = new Set<UnitNode>();
    for (const unit of this.#waiting) {
      if (!tied.has(unit)) this.#placeSingle(unit);
      else if (!seen.has(unit)) {
        const group = groupOf(unit, units, (other) => tied.has(other), seen);
        this.#placeGroup(leadersFirst(group.sort((a, b) => tied.get(a)! - tied.get(b)!)));
      }
    }
  }

  /** Takes the best machine for what is left of the group until no machine takes any of it. */
  #placeGroup(group: readonly UnitNode[]): void {
    let left = group;
    while (left.length > 1 && this.#placeMost(left)) {
      left = left.filter((unit) => unit.machine === undefined);
    }
    if (left.length === 1) this.#placeSingle(left[0]!);
    else for (const unit of left) this.#pushFor(unit);
  }

  #placeSingle(unit: UnitNode): void {
    const { cluster, preference, candidates } = this.#scheduling;
    if (candidates.exhausted(unit)) return;
    let narrowed = unit.kind !== undefined;
    const found = preference.using((set) => {
      candidates.of(unit, set);
      this.#besidePeer(unit, set);
      return preference.first(unit, set, (rank) => {
        if (tryPlace(unit, cluster.machines.at(rank), this.#scheduling)) return true;
        if (!narrowed) candidates.narrow(unit, set);
        narrowed = true;
        return false;
      });
    });
    if (found >= 0) this.#placed(unit);
    else if (!this.#pushFor(unit)) candidates.exhaust(unit);
  }

  /** A unit with MachineOf= can only be where the first that it names is placed. */
  #besidePeer(unit: UnitNode, set: MachineSet): void {
    const peer = this.#scheduling.cluster.units.byName.get(unit.peers[0] ?? "");
    if (peer === undefined || peer.global) return;
    const only = peer.machine;
    const able = only !== undefined && set.has(only.rank);
    set.clear();
    if (able) set.add(only.rank);
  }

  /** Places on one machine as many of the group as any takes; false when none takes one. */
  #placeMost(group: readonly UnitNode[]): boolean {
    const { cluster, preference, candidates } = this.#scheduling;
    let best: MachineNode | undefined;
    let most = 0;
    const found = preference.using((any) => {
      any.clear();
      for (const unit of group) {
        preference.using((set) => {
          candidates.of(unit, set);
          any.addAll(set);
        });
      }
      return preference.first(group[0]!, any, (rank) => {
        const machine = cluster.machines.at(rank);
        const mark = cluster.mark();
        const count = this.#placeOn(machine, group);
        if (count === group.length) return true;
        cluster.rollback(mark);
        if (count > most) {
          most = count;
          best = machine;
        }
        return false;
      });
    });
    if (found < 0 && best !== undefined) this.#placeOn(best, group);
    for (const unit of group) if (unit.machine !== undefined) this.#placed(unit);
    return found >= 0 || best !== undefined;
  }

  #placeOn(machine: MachineNode, group: readonly UnitNode[]): number {
    let count = 0;
    for (const unit of group) if (tryPlace(unit, machine, this.#scheduling)) count += 1;
    return count;
  }

  #pushFor(unit: UnitNode): boolean {
    const victims = pushOut(unit, this.#scheduling);
    if (victims === undefined) return false;
    this.#placed(unit);
    for (const victim of victims) {
      this.leavers.push(victim);
      const { name, priority } = unit;
      const reason = `makes room for ${name}, priority ${priority} over ${victim.priority}`;
      this.#pushed.set(victim, reason);
    }
    return true;
  }

  #placed(unit: UnitNode): void {
    this.placedAny = true;
    // It looks for no machine any more.
    unit.kind = undefined;
  }
}
