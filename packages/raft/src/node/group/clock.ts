import type { Clock } from "../types.js";

/** The machine's own time. An open group keeps its process alive, as an open server does. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** Runs `callback` in a later turn of the clock's event loop, once the sockets were read again. */
export function soon(clock: Clock, callback: () => void): void {
  if (clock.setImmediate) clock.setImmediate(callback);
  else setImmediate(callback);
}
