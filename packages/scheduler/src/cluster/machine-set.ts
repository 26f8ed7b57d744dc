/** A set of machines by rank (their place in the order of IDs), a bit each. */
export class MachineSet {
  readonly words: Uint32Array;

  constructor(machineCount: number) {
    this.words = new Uint32Array(Math.ceil(machineCount / 32));
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

  clear(): void {
    this.words.fill(0);
  }

  isEmpty(): boolean {
    for (let i = 0; i < this.words.length; i++) if (this.words[i] !== 0) return false;
    return true;
  }

  copyFrom(other: MachineSet): void {
    this.words.set(other.words);
  }

  /** Keeps those that are in the other set, too. */
  keepOnly(other: MachineSet): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! &= other.words[i]!;
  }

  addAll(other: MachineSet): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! |= other.words[i]!;
  }

  removeAll(other: MachineSet): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! &= ~other.words[i]!;
  }
}
