/** Something with a time that a heap can find again. */
export interface HeapItem {
  /** When to look at it; to change it, remove and push. */
  time: number;
  /** Its place; −1 outside of the heap. Kept by the heap. */
  place: number;
}

/** A binary min-heap by time from which any item can be removed in O(log n). */
export class ExpiryHeap<Item extends HeapItem> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  clear(): void {
    for (const item of this.#items) item.place = -1;
    this.#items.length = 0;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  remove(item: Item): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#items.pop()!;
    if (last === item) return;
    this.#sink(last, place);
    this.#rise(last, last.place);
  }

  #rise(item: Item, from: number): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent]!;
      if (above.time <= item.time) break;
      this.#put(above, at);
      at = parent;
    }
    this.#put(item, at);
  }

  #sink(item: Item, from: number): void {
    const items = this.#items;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      const right = items[child + 1];
      if (right !== undefined && right.time < items[child]!.time) child++;
      if (items[child]!.time >= item.time) break;
      this.#put(items[child]!, at);
      at = child;
    }
    this.#put(item, at);
  }

  #put(item: Item, at: number): void {
    this.#items[at] = item;
    item.place = at;
  }
}
