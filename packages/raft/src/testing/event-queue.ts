interface Event {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/** Virtual time: events run one after the other, in the order of their times and then of their making. */
export class EventQueue {
  /** Virtual milliseconds since the start. */
  now = 0;
  /** Events run so far. */
  count = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  /** Runs an action after a delay in virtual milliseconds. */
  schedule(delay: number, run: () => void): void {
    this.#push({ time: this.now + Math.max(0, delay), order: this.#order++, run });
  }

  /** Runs all events up to this virtual time, which it then is. */
  runUntil(time: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.time <= time) {
      const event = this.#pop();
      this.now = event.time;
      this.count++;
      event.run();
    }
    this.now = time;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
