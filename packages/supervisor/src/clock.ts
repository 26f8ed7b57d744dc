/** Where the supervisor takes its time from; replace it in tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms` (any finite number ≥ 0); returns how to cancel. */
  setTimer(ms: number, run: () => void): () => void;
}

/** Node's timers hold 31 bits of milliseconds; longer ones fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, run) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = setTimeout(
        () => (left > TIMER_MS_MAX ? arm(left - TIMER_MS_MAX) : run()),
        Math.min(left, TIMER_MS_MAX),
      );
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};
