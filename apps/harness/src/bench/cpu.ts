import { readFileSync } from "node:fs";

/** Linux's clock ticks a second as /proc tells them (USER_HZ, the same on every architecture Node runs on). */
const TICKS = 100;

/** Seconds of CPU that processes used so far, user and system (proc(5), stat fields 14 and 15). */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS;
}
