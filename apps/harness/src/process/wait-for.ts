export interface WaitOptions {
  /** 20,000 by default. */
  readonly timeoutMs?: number;
  /** Between two tries, 50 by default. */
  readonly intervalMs?: number;
}

/**
 * Asks until the answer is neither undefined, null nor false, and gives it. A try that throws
 * counts as "not yet"; its error is the cause of the time-out's.
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { timeoutMs = 20_000, intervalMs = 50 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
