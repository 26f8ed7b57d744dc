import { readFile } from "node:fs/promises";
import type { ResourceUsage } from "../runtime.js";

/** Linux shows clock ticks to user space at this rate on every architecture supported here. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** What living processes use now, summed from proc(5); those that end meanwhile count as nothing. */
export async function usageOf(pids: readonly number[]): Promise<ResourceUsage> {
  const parts = await Promise.all(pids.map(usageOfOne));
  return parts.reduce(
    (sum, part) => ({
      cpuUsec: sum.cpuUsec + part.cpuUsec,
      memoryBytes: sum.memoryBytes + part.memoryBytes,
      tasks: sum.tasks + part.tasks,
    }),
    { cpuUsec: 0, memoryBytes: 0, tasks: 0 },
  );
}

async function usageOfOne(pid: number): Promise<ResourceUsage> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field, in parentheses, may hold spaces; field 3 is the first after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return {
    cpuUsec: ((field(14) + field(15)) / TICKS_PER_SECOND) * 1e6,
    memoryBytes: field(24) * PAGE_BYTES,
    tasks: field(20),
  };
}
