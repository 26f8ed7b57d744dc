import type { Clock } from "../types.js";

/** The machine's own time. An open group keeps its process alive, as an open server does. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/**
 * Ticks for the core. A tick is never caught up: after the event loop stood still for three ticks,
 * one follows, not three, because the heartbeats that would have held an election back
 * still wait in the sockets. For the same reason a tick comes only after the loop has polled
 * its sockets, and a late one after it has polled them twice.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #tick: () => void;
  #timer: unknown = null;
  #stopped = false;

  constructor(clock: Clock, ms: number, tick: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#tick = tick;
  }

  start(): void {
    const due = this.#clock.now() + this.#ms;
    this.#timer = this.#clock.setTimeout(() => {
      const late = this.#clock.now() - due > this.#ms;
      this.#afterPolls(late ? 2 : 1);
    }, this.#ms);
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimeout(this.#timer);
  }

  /** setImmediate runs after the poll phase of the loop. */
  #afterPolls(polls: number): void {
    setImmediate(() => {
      if (this.#stopped) return;
      if (polls > 1) return this.#afterPolls(polls - 1);
      this.#tick();
      this.start();
    });
  }
}
