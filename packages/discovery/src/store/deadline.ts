import { DiscoveryError } from "../errors.js";

/**
 * Runs one call to the store with an end: by `signal` or after `timeoutMs`, even when the store does
 * not heed its signal. A failure is a DiscoveryError `store-unavailable` with the store's error as
 * its cause.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    return await raced(call, controller.signal);
  } catch (error) {
    const late = controller.signal.aborted && signal?.aborted !== true;
    const why = late ? `no answer in ${timeoutMs} ms` : messageOf(error);
    throw new DiscoveryError("store-unavailable", `The store is not available: ${why}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

async function raced<T>(
  call: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { promise, reject } = rejectable();
  const abort = (): void => reject(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const calling = signal.aborted ? promise : call(signal);
  try {
    return await Promise.race([calling as Promise<T>, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    // The loser of the race may still fail; nobody waits for it.
    calling.catch(() => {});
  }
}

function rejectable(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  promise.catch(() => {});
  return { promise, reject };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of an error of whatever package, if it has one. */
export function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
