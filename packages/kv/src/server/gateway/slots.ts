import { KvError } from "../../api/errors.js";

/** Calls that wait for a slot at most. */
const WAITING_MAX = 10_000;

/** So many at a time, the others in the order in which they came. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves to what gives the slot back; rejects when the signal aborts or too many wait. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (this.#free > 0) {
      this.#free--;
    } else {
      if (this.#waiting.length >= WAITING_MAX) throw new KvError("too-many-requests");
      await this.#turn(signal);
    }
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#give();
    };
  }

  async #turn(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener("abort", gone);
        resolve();
      };
      const gone = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(new KvError("cancelled", "the caller went away"));
      };
      signal.addEventListener("abort", gone, { once: true });
      this.#waiting.push(turn);
    });
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
