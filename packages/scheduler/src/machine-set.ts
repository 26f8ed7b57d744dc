/** A set of machines by rank (their place in the order of IDs), a bit each. */
export class MachineSet {
  readonly words: Uint32Array;

  constructor(machineCount: number) {
    this.words = new Uint32Array(Math.ceil(machineCount / 32));
  }

  static of(machineCount: number, ranks: Iterable<number>): MachineSet {
    const set = new MachineSet(machineCount);
    for (const rank of ranks) set.add(rank);
    return set;
  }

  has(rank: number): boolean {
    return (((this.words[rank >>> 5] ?? 0) >>> (rank & 31)) & 1) === 1;
  }

  add(rank: number): void {
    this.words[rank >>> 5]! |= 1 << (rank & 31);
  }

  delete(rank: number): void {
    this.words[rank >>> 5]! &= ~(1 << (rank & 31));
  }

  /** This set without the machines that are not in the other. */
  intersect(other: MachineSet): MachineSet {
    const both = new MachineSet(this.words.length * 32);
    for (let i = 0; i < this.words.length; i++) both.words[i] = this.words[i]! & other.words[i]!;
    return both;
  }

  /** Adds all of the other set. */
  addAll(other: MachineSet): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! |= other.words[i]!;
  }
}
