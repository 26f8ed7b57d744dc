import type { Clock } from "../../../src/node/index.js";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** Everything that a promise makes possible has been done. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * A clock that stands still until it is run. Callbacks come one at a time, in the order of their
 * times and of their asking, and all that promises make of one is done before the next: so equal
 * programs make equal runs.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers: Timer[] = [];
  #immediates: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const at = this.#now + Math.max(0, ms);
    const timer = { at, order: ++this.#order, callback, cancelled: false };
    let place = this.#timers.length;
    while (place > 0 && this.#timers[place - 1]!.at > timer.at) place--;
    this.#timers.splice(place, 0, timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    if (timer) (timer as Timer).cancelled = true;
  }

  setImmediate(callback: () => void): void {
    this.#immediates.push(callback);
  }

  /** Resolves after `ms` of this clock. */
  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.setTimeout(resolve, ms));
  }

  /** Lets time go by until `until()` holds, looked at after each callback, or `ms` are over. */
  async run(ms: number, until: () => boolean = () => false): Promise<void> {
    const end = this.#now + ms;
    await settle();
    while (!until()) {
      const immediates = this.#immediates;
      this.#immediates = [];
      for (const callback of immediates) {
        callback();
        await settle();
      }
      if (immediates.length > 0) continue;
      const timer = this.#timers[0];
      if (!timer || timer.at > end) break;
      this.#timers.shift();
      if (timer.cancelled) continue;
      this.#now = timer.at;
      timer.callback();
      await settle();
    }
    if (!until()) this.#now = end;
  }

  /** The clock as one process sees it: nothing of it happens once the process is dead. */
  processClock(): ProcessClock {
    return new ProcessClock(this);
  }
}

/** One process's clock, which ends with it and stands still while it is paused. */
export class ProcessClock implements Clock {
  readonly #clock: VirtualClock;
  dead = false;
  pausedUntil = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  setTimeout(callback: () => void, ms: number): unknown {
    return this.#clock.setTimeout(() => this.#run(callback), ms);
  }

  clearTimeout(handle: unknown): void {
    this.#clock.clearTimeout(handle);
  }

  setImmediate(callback: () => void): void {
    this.#clock.setImmediate(() => this.#run(callback));
  }

  #run(callback: () => void): void {
    if (this.dead) return;
    const pause = this.pausedUntil - this.#clock.now();
    if (pause > 0) this.#clock.setTimeout(() => this.#run(callback), pause);
    else callback();
  }
}
