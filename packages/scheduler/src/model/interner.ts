/** How many values an interner shares before it begins anew: what is lost is only the sharing. */
const ENTRIES_MAX = 16_384;

/** One object for equal keys, so that what is found out about it serves all who share it. */
export class Interner<T> {
  readonly #values = new Map<string, T>();

  get(key: string, make: () => T): T {
    let value = this.#values.get(key);
    if (value === undefined) {
      if (this.#values.size >= ENTRIES_MAX) this.#values.clear();
      value = make();
      this.#values.set(key, value);
    }
    return value;
  }
}
