import { Cluster } from "../cluster/cluster.js";
import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import { homeOf } from "../passes/eviction.js";
import { Queue, queueOrder } from "../passes/queue.js";
import type { Machine, Strategy, UnitJob } from "../types.js";
import { sameJob, sameMachine } from "./same.js";

/** Names, each once, with what they stand for now. */
type Told<T> = Iterable<readonly [string, T | undefined]>;

/** As Changes, which need not be maps. */
interface Telling {
  readonly machines?: ReadonlyMap<string, Machine | undefined> | undefined;
  readonly units?: Told<UnitJob> | undefined;
  readonly placements?: Told<string> | undefined;
}

/**
 * The cluster as it was told: every unit that has a place, and may have it as far as it alone is
 * concerned, stands there. What follows from that is a plan's business. Takes changes in a time
 * that depends on them, not on the size of the cluster.
 */
export class Base {
  readonly cluster: Cluster;
  readonly queue: Queue;
  /** Placements of units that are not there. */
  readonly strangers: Map<string, string> = new Map();
  /** Units that were placed and cannot stay, whatever else is there. */
  readonly homeless: Set<UnitNode> = new Set();
  /** Machines where something changed since it was last seen that everybody there can stay. */
  readonly dirty: Set<MachineNode> = new Set();

  constructor(strategy: Strategy) {
    this.cluster = new Cluster(strategy);
    this.queue = new Queue(queueOrder(strategy));
  }

  /** Whether anything is different now. */
  apply({ machines, units, placements }: Telling): boolean {
    const changes = [
      machines !== undefined && this.#applyMachines(machines),
      placements !== undefined && this.#applyPlacements(placements),
      units !== undefined && this.#applyUnits(units),
    ];
    this.cluster.commit();
    return changes.includes(true);
  }

  #applyMachines(changes: ReadonlyMap<string, Machine | undefined>): boolean {
    const { machines } = this.cluster;
    const touched = new Set<UnitNode>();
    const added: Machine[] = [];
    let changed = false;
    for (const [id, machine] of changes) {
      const known = machines.byId.get(id);
      if (known === undefined) {
        if (machine !== undefined) added.push(machine);
        continue;
      }
      if (machine !== undefined && sameMachine(known.machine, machine)) continue;
      changed = true;
      // Off before the machine changes: what is counted there depends on its metadata.
      for (const unit of this.#clear(known)) touched.add(unit);
      if (machine !== undefined) {
        machines.update(known, machine);
        this.dirty.add(known);
      } else {
        machines.remove(known);
        this.dirty.delete(known);
      }
    }
    for (const node of added.length > 0 ? machines.add(added) : []) this.dirty.add(node);
    if (!changed && added.length === 0) return false;
    for (const unit of this.homeless) if (changes.has(unit.assigned!)) touched.add(unit);
    for (const unit of touched) this.#settle(unit);
    return true;
  }

  /** Takes all from the machine; gives those that were placed. */
  #clear(machine: MachineNode): readonly UnitNode[] {
    const placed = [...machine.placed];
    for (const unit of machine.units()) this.cluster.removeFrom(unit, machine);
    return placed;
  }

  #applyPlacements(changes: Told<string>): boolean {
    let changed = false;
    for (const [name, id] of changes) {
      const unit = this.cluster.units.byName.get(name);
      const before = unit === undefined ? this.strangers.get(name) : unit.assigned;
      if (before === id) continue;
      changed = true;
      if (unit !== undefined) {
        unit.assigned = id;
        this.#settle(unit);
      } else if (id === undefined) this.strangers.delete(name);
      else this.strangers.set(name, id);
    }
    return changed;
  }

  #applyUnits(changes: Told<UnitJob>): boolean {
    const { units } = this.cluster;
    const added: UnitJob[] = [];
    let changed = false;
    for (const [name, job] of changes) {
      const known = units.byName.get(name);
      if (known === undefined ? job === undefined : job !== undefined && sameJob(known.job, job)) {
        continue;
      }
      changed = true;
      if (known !== undefined) this.#forget(known);
      if (job !== undefined) added.push(job);
    }
    for (const unit of units.add(added)) {
      if (this.strangers.size > 0) {
        unit.assigned = this.strangers.get(unit.name);
        this.strangers.delete(unit.name);
      }
      if (unit.global && unit.wanted) this.#globalsChanged();
      this.#settle(unit);
    }
    return changed;
  }

  #forget(unit: UnitNode): void {
    if (unit.assigned !== undefined) this.strangers.set(unit.name, unit.assigned);
    for (const machine of this.cluster.machinesOf(unit)) {
      this.dirty.add(machine);
      this.cluster.removeFrom(unit, machine);
    }
    if (unit.global && unit.wanted) this.#globalsChanged();
    this.homeless.delete(unit);
    this.queue.delete(unit);
    this.cluster.units.remove(unit);
  }

  #globalsChanged(): void {
    for (const machine of this.cluster.machines.byId.values()) {
      machine.eligibleGlobals = undefined;
      this.dirty.add(machine);
    }
  }

  /** Puts the unit where it was decided to be, if it can be there at all. */
  #settle(unit: UnitNode): void {
    const home = homeOf(unit, this.cluster);
    if (unit.machine !== home) {
      if (unit.machine !== undefined) {
        this.dirty.add(unit.machine);
        this.cluster.remove(unit);
      }
      if (home !== undefined) {
        this.dirty.add(home);
        this.cluster.place(unit, home);
      }
    }
    if (unit.assigned !== undefined && home === undefined) this.homeless.add(unit);
    else this.homeless.delete(unit);
    if (unit.placeable && home === undefined) this.queue.add(unit);
    else this.queue.delete(unit);
  }
}
