import type { Clock } from "../types.js";
import { soon } from "./clock.js";

/** Work of a group: until `until` where it has a choice. It must not throw. */
type Turn = (until: number) => void;

/** Milliseconds of work in one turn of the event loop, so that heartbeats are not held up. */
const BUDGET_MS = 5;

const TURNS: WeakMap<Clock, Turns> = new WeakMap();

/**
 * Lets the groups of a process work in the same turn of the event loop, so that what they send to
 * one peer shares an envelope. Those that find the turn's time used up go first in the next one.
 */
export class Turns {
  readonly #clock: Clock;
  #waiting: Turn[] = [];
  #asked = false;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The one of a clock. */
  static of(clock: Clock): Turns {
    let turns = TURNS.get(clock);
    if (!turns) {
      turns = new Turns(clock);
      TURNS.set(clock, turns);
    }
    return turns;
  }

  /** Asks for one turn. */
  add(turn: Turn): void {
    this.#waiting.push(turn);
    this.#ask();
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    soon(this.#clock, this.#run);
  }

  readonly #run = (): void => {
    this.#asked = false;
    const turns = this.#waiting;
    this.#waiting = [];
    const until = this.#clock.now() + BUDGET_MS;
    for (const [at, turn] of turns.entries()) {
      turn(until);
      if (at + 1 < turns.length && this.#clock.now() >= until) {
        this.#waiting = [...turns.slice(at + 1), ...this.#waiting];
        this.#ask();
        return;
      }
    }
  };
}
