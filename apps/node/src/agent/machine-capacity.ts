import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

/** What units may ask for together on one machine: thousandths of a CPU, bytes, tasks. */
export interface Capacity {
  readonly cpu?: number;
  readonly memory?: number;
  readonly tasks?: number;
}

/** What this machine has, as far as nothing else was configured. */
export function machineCapacity(configured: Capacity): Capacity {
  const tasks = taskLimit();
  return {
    cpu: availableParallelism() * 1_000,
    memory: totalmem(),
    ...(tasks === undefined ? {} : { tasks }),
    ...configured,
  };
}

/** Processes and threads that the kernel allows; undefined where it does not say. */
function taskLimit(): number | undefined {
  const limits = ["/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"].map((path) => {
    try {
      return Number(readFileSync(path, "utf8"));
    } catch {
      return Number.NaN;
    }
  });
  const known = limits.filter((limit) => limit > 0);
  return known.length === 0 ? undefined : Math.min(...known);
}
