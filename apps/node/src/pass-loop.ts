import type { Logger } from "pino";
import { messageOf } from "./errors.js";

export interface PassLoopOptions {
  /** Brings what is to what should be; called again after every wake. */
  readonly pass: () => Promise<void>;
  /** Between two passes when nothing wakes it, milliseconds. */
  readonly intervalMs: number;
  readonly log: Logger;
}

/**
 * Runs a pass whenever it is woken, and every so often. One pass at a time: whatever wakes it
 * meanwhile asks for one more, however often. A pass that fails is tried again at the next wake.
 */
export class PassLoop implements AsyncDisposable {
  readonly #options: PassLoopOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: PassLoopOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.wake(), options.intervalMs);
  }

  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
      // Woken during a pass that failed, or after the last look: that asks for one more, too.
      if (this.#again) this.wake();
    });
  }

  /** No pass runs any more once this resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#options.pass();
      } catch (error) {
        this.#options.log.warn({ reason: messageOf(error) }, "a pass failed");
        return;
      }
    }
  }
}
