/** Between two looks at the clock more than this counts as a stall, milliseconds: five checks of the lessor. */
const STEP_MAX_MS = 500;

/**
 * A monotonic clock for leases that does not run while the process does not: after a stall (SIGSTOP,
 * a machine that slept, a long pause of the event loop) it goes on from where it was, plus half a
 * second. By a plain clock every lease would have run out at once when a stopped leader wakes,
 * although their holders had nobody to renew them with. It must be looked at more often than every
 * half second, which the lessor's checks do.
 */
export function leaseClock(monotonicMs: () => number): () => number {
  let last = monotonicMs();
  let time = 0;
  return () => {
    const now = monotonicMs();
    time += Math.min(now - last, STEP_MAX_MS);
    last = now;
    return time;
  };
}
