import type { RaftError } from "../../index.js";

interface Wait {
  /** Throws when it will never be so. */
  readonly holds: () => boolean;
  readonly deadline: number;
  readonly expired: () => RaftError;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  done: boolean;
}

/** Calls that wait until something about this member is so. Looked at after each change and tick. */
export class Waits {
  #waits: Wait[] = [];

  /** Resolves at once when it is so already. @throws the signal's reason; `expired()` after `deadline`; what `holds` throws */
  async until(
    holds: () => boolean,
    options: {
      readonly deadline: number;
      readonly expired: () => RaftError;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void> {
    const { deadline, expired, signal } = options;
    signal?.throwIfAborted();
    if (holds()) return;
    let abort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const wait: Wait = { holds, deadline, expired, resolve, reject, done: false };
        this.#waits.push(wait);
        abort = () => {
          wait.done = true;
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", abort, { once: true });
      });
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Something changed, or time went by. */
  check(now: number): void {
    if (this.#waits.length === 0) return;
    this.#waits = this.#waits.filter((wait) => !wait.done && !settled(wait, now));
  }

  failAll(error: RaftError): void {
    for (const wait of this.#waits.splice(0)) wait.reject(error);
  }
}

function settled({ holds, deadline, expired, resolve, reject }: Wait, now: number): boolean {
  try {
    if (holds()) resolve();
    else if (deadline <= now) reject(expired());
    else return false;
  } catch (error) {
    reject(error);
  }
  return true;
}
