import type { MachineNode } from "../model/machine-node.js";
import type { Strategy } from "../types.js";
import { MachineSet } from "./machine-set.js";

/** Levels that a machine passes through until the first of its resources is used up. */
const LEVELS = 256;

/**
 * Machines in the order in which the strategy tries them, ties by ID: by how full they are, which is
 * the number of units there and, unless the strategy is fleet's, at least the share of the scarcest
 * resource in 256ths. One bit set for each level: a change moves one bit, and machines that cannot
 * do are skipped 32 at a time.
 */
export class LoadOrder {
  readonly #strategy: Strategy;
  readonly #machineCount: number;
  readonly #sizes: number[] = [];
  readonly #levels: MachineSet[] = [];

  constructor(strategy: Strategy, machineCount: number) {
    this.#strategy = strategy;
    this.#machineCount = machineCount;
  }

  add(machine: MachineNode): void {
    machine.level = this.#levelOf(machine);
    this.#enter(machine);
  }

  remove(machine: MachineNode): void {
    this.#levels[machine.level]!.delete(machine.rank);
    this.#sizes[machine.level]! -= 1;
  }

  /** To be told after every change of what is on the machine, or of its capacity. */
  update(machine: MachineNode): void {
    const level = this.#levelOf(machine);
    if (level === machine.level) return;
    this.remove(machine);
    machine.level = level;
    this.#enter(machine);
  }

  /**
   * The rank of the first machine of `candidates` that `accept` takes, or -1. `accept` may change
   * what is on machines as long as it restores that before it says no.
   */
  first(candidates: MachineSet, accept: (rank: number) => boolean): number {
    const count = this.#levels.length;
    for (let i = 0; i < count; i++) {
      const level = this.#strategy === "pack" ? count - 1 - i : i;
      if (this.#sizes[level] === 0) continue;
      const found = firstIn(this.#levels[level]!.words, candidates.words, accept);
      if (found >= 0) return found;
    }
    return -1;
  }

  #levelOf({ load, used, capacity }: MachineNode): number {
    if (this.#strategy === "least-units") return load;
    const share = Math.max(
      used.cpu / capacity.cpu,
      used.memory / capacity.memory,
      used.tasks / capacity.tasks,
    );
    // A capacity of nothing makes NaN, or more than all: full in both cases.
    return Math.max(load, share <= 1 ? Math.floor(share * LEVELS) : LEVELS);
  }

  #enter({ level, rank }: MachineNode): void {
    for (let next = this.#levels.length; next <= level; next++) {
      this.#levels.push(new MachineSet(this.#machineCount));
      this.#sizes.push(0);
    }
    this.#levels[level]!.add(rank);
    this.#sizes[level]! += 1;
  }
}

function firstIn(
  level: Uint32Array,
  candidates: Uint32Array,
  accept: (rank: number) => boolean,
): number {
  for (let i = 0; i < level.length; i++) {
    let bits = level[i]! & candidates[i]!;
    while (bits !== 0) {
      const rank = i * 32 + (31 - Math.clz32(bits & -bits));
      if (accept(rank)) return rank;
      bits &= bits - 1;
    }
  }
  return -1;
}
