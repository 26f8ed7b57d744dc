/** First wait after a failure, and the longest. */
const MIN_MS = 100;
const MAX_MS = 5_000;

/** Waits that double from 100 ms to 5 s, each up to a fifth shorter so that clients spread out. */
export class Backoff {
  readonly #maxMs: number;
  #nextMs = MIN_MS;

  constructor(maxMs: number = MAX_MS) {
    this.#maxMs = Math.max(MIN_MS, Math.min(maxMs, MAX_MS));
  }

  reset(): void {
    this.#nextMs = MIN_MS;
  }

  async wait(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#maxMs);
    await sleep(ms * (1 - Math.random() / 5), signal);
  }
}

/** Resolves after the time or as soon as the signal aborts; never rejects. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
