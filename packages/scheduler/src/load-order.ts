import { MachineSet } from "./machine-set.js";

/**
 * Machines in the order in which fleet tries them: the fewest units first, ties by ID. One bit set
 * for each load: a change of load moves one bit, and machines that cannot do are skipped 32 at a time.
 */
export class LoadOrder {
  readonly #loads: Int32Array;
  readonly #sizes: number[] = [];
  readonly #buckets: MachineSet[] = [];

  constructor(machineCount: number) {
    this.#loads = new Int32Array(machineCount);
    const idle = this.#bucket(0);
    for (let rank = 0; rank < machineCount; rank++) idle.add(rank);
    this.#sizes[0] = machineCount;
  }

  load(rank: number): number {
    return this.#loads[rank]!;
  }

  change(rank: number, by: 1 | -1): void {
    const before = this.#loads[rank]!;
    const after = before + by;
    this.#bucket(before).delete(rank);
    this.#bucket(after).add(rank);
    this.#sizes[before]! -= 1;
    this.#sizes[after]! += 1;
    this.#loads[rank] = after;
  }

  /**
   * The first machine of `candidates` that `accept` takes, or -1. `accept` may change loads as long
   * as it restores them before it says no.
   */
  first(candidates: MachineSet, accept: (rank: number) => boolean): number {
    for (let load = 0; load < this.#buckets.length; load++) {
      if (this.#sizes[load] === 0) continue;
      const found = firstIn(this.#buckets[load]!.words, candidates.words, accept);
      if (found >= 0) return found;
    }
    return -1;
  }

  #bucket(load: number): MachineSet {
    const existing = this.#buckets[load];
    if (existing !== undefined) return existing;
    const made = new MachineSet(this.#loads.length);
    this.#buckets[load] = made;
    this.#sizes[load] = 0;
    return made;
  }
}

function firstIn(
  bucket: Uint32Array,
  candidates: Uint32Array,
  accept: (rank: number) => boolean,
): number {
  for (let i = 0; i < bucket.length; i++) {
    let bits = bucket[i]! & candidates[i]!;
    while (bits !== 0) {
      const rank = i * 32 + (31 - Math.clz32(bits & -bits));
      if (accept(rank)) return rank;
      bits &= bits - 1;
    }
  }
  return -1;
}
