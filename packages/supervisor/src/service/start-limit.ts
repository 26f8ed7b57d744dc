/** The present window, as plain data. */
export interface StartLimitImage {
  readonly windowStart: number;
  readonly count: number;
}

/**
 * StartLimitIntervalSec= and StartLimitBurst=: a window that opens with the first start and admits
 * `burst` of them. Disabled when either is 0.
 */
export class StartLimit {
  readonly #intervalMs: number;
  readonly #burst: number;
  #windowStart = 0;
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

  image(): StartLimitImage {
    return { windowStart: this.#windowStart, count: this.#count };
  }

  restore({ windowStart, count }: StartLimitImage): void {
    this.#windowStart = windowStart;
    this.#count = count;
  }

  reset(): void {
    this.#count = 0;
  }
}
