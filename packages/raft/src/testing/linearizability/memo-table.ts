/** What was tried: a set of operations that have their place, with the states they led to. */
export class MemoTable<State> {
  readonly #equal: (a: State, b: State) => boolean;
  readonly #done: Uint32Array;
  /** By a hash of the set; sets of equal hash are told apart by their words. */
  readonly #seen = new Map<number, { readonly done: Uint32Array; readonly state: State }[]>();
  /** Grows and shrinks with the set: each operation has a random-looking share in it. */
  #hash = 0;

  constructor(operations: number, equal: (a: State, b: State) => boolean) {
    this.#equal = equal;
    this.#done = new Uint32Array(Math.ceil(operations / 32));
  }

  /** Adds an operation to the set; false, and nothing is added, if that led to this state before. */
  enter(operation: number, state: State): boolean {
    this.#toggle(operation);
    const known = this.#seen.get(this.#hash);
    if (known === undefined) {
      this.#seen.set(this.#hash, [{ done: this.#done.slice(), state }]);
      return true;
    }
    if (known.some((one) => this.#isSame(one.done) && this.#equal(one.state, state))) {
      this.#toggle(operation);
      return false;
    }
    known.push({ done: this.#done.slice(), state });
    return true;
  }

  leave(operation: number): void {
    this.#toggle(operation);
  }

  #toggle(operation: number): void {
    this.#done[operation >> 5]! ^= 1 << (operation & 31);
    this.#hash ^= share(operation);
  }

  #isSame(done: Uint32Array): boolean {
    for (let i = 0; i < done.length; i++) if (done[i] !== this.#done[i]) return false;
    return true;
  }
}

/** 32 bits that differ from number to number (the finish of MurmurHash3). */
function share(operation: number): number {
  let hash = operation + 1;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
