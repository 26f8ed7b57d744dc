import type { Clock } from "../types.js";
import { soon } from "./clock.js";

/** `lateMs` is what the tick came after its time. */
type Tick = (lateMs: number) => void;

const TICKERS: WeakMap<Clock, Map<number, Ticker>> = new WeakMap();

/**
 * Ticks for the cores: one timer for all groups of a process that share a clock and a pace, so that
 * their heartbeats leave together.
 *
 * A tick is never caught up: after the event loop stood still for three ticks, one follows, not
 * three, because the heartbeats that would have held an election back still wait in the sockets.
 * For the same reason a tick comes only after the loop has polled its sockets, and a late one after
 * it has polled them twice.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #ticks: Set<Tick> = new Set();
  #timer: unknown = null;

  private constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** The one of a clock and a pace. */
  static of(clock: Clock, ms: number): Ticker {
    let tickers = TICKERS.get(clock);
    if (!tickers) {
      tickers = new Map();
      TICKERS.set(clock, tickers);
    }
    let ticker = tickers.get(ms);
    if (!ticker) {
      ticker = new Ticker(clock, ms);
      tickers.set(ms, ticker);
    }
    return ticker;
  }

  /** The first tick may come sooner than after a whole span. */
  add(tick: Tick): void {
    this.#ticks.add(tick);
    if (this.#timer === null) this.#start();
  }

  remove(tick: Tick): void {
    this.#ticks.delete(tick);
    if (this.#ticks.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    TICKERS.get(this.#clock)?.delete(this.#ms);
  }

  #start(): void {
    const due = this.#clock.now() + this.#ms;
    this.#timer = this.#clock.setTimeout(() => {
      const late = this.#clock.now() - due;
      this.#afterPolls(late > this.#ms ? 2 : 1, late);
    }, this.#ms);
  }

  #afterPolls(polls: number, late: number): void {
    soon(this.#clock, () => {
      if (this.#ticks.size === 0) return;
      if (polls > 1) return this.#afterPolls(polls - 1, late);
      for (const tick of [...this.#ticks]) if (this.#ticks.has(tick)) tick(late);
      if (this.#ticks.size > 0) this.#start();
    });
  }
}
