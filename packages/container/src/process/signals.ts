import { constants } from "node:os";
import { ContainerError } from "../errors.js";
import type { ProcessExit } from "../runtime.js";

/** The kernel's first real-time signal is 32; the C library keeps two for itself. */
const SIGRTMIN = 34;
const SIGNAL_MAX = 64;

/** The number of a signal such as `SIGTERM` or `SIGRTMIN+3`. */
export function signalNumber(name: string): number {
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number !== undefined) return number;
  const offset = /^SIGRTMIN(?:\+(\d{1,2}))?$/.exec(name);
  const realTime = offset === null ? undefined : SIGRTMIN + Number(offset[1] ?? 0);
  if (realTime !== undefined && realTime <= SIGNAL_MAX) return realTime;
  throw new ContainerError("invalid-argument", `${name} is not a signal`);
}

/** The name of a signal's number. */
export function signalName(number: number): string {
  // SIGIOT and SIGPOLL are second names; the first in the table is the usual one.
  const name = Object.entries(constants.signals).find(([, known]) => known === number)?.[0];
  if (name !== undefined) return name;
  return number === SIGRTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - SIGRTMIN}`;
}

/** Reads a wait status as wait(2) lays it out on Linux. */
export function exitOf(status: number): ProcessExit {
  const signal = status & 0x7f;
  if (signal === 0) return { type: "exited", code: (status >> 8) & 0xff };
  return { type: "signaled", signal: signalName(signal), coreDumped: (status & 0x80) !== 0 };
}
