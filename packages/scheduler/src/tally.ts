/** Counts by glob and machine, with only what is not zero stored. */
export class Tally {
  readonly #machineCount: number;
  readonly #counts = new Map<number, number>();

  constructor(machineCount: number) {
    this.#machineCount = machineCount;
  }

  get(glob: number, rank: number): number {
    return this.#counts.get(glob * this.#machineCount + rank) ?? 0;
  }

  add(glob: number, rank: number, by: 1 | -1): void {
    const key = glob * this.#machineCount + rank;
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
