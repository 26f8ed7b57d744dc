/**
 * StartLimitIntervalSec= and StartLimitBurst=: a window that opens with the first start and admits
 * `burst` of them. Disabled when either is 0.
 */
export class StartLimit {
  readonly #intervalMs: number;
  readonly #burst: number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs;
    this.#burst = burst;
  }

  /** Counts a start at `now` (milliseconds); false when it exceeds the limit. */
  admit(now: number): boolean {
    if (this.#intervalMs === 0 || this.#burst === 0) return true;
    if (now - this.#windowStart > this.#intervalMs || this.#count === 0) {
      this.#windowStart = now;
      this.#count = 0;
    }
    if (this.#count >= this.#burst) return false;
    this.#count += 1;
    return true;
  }

  reset(): void {
    this.#count = 0;
  }
}
