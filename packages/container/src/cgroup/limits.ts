import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxSpec } from "../runtime.js";

/** The limits of a sandbox, named as in its specification. */
export type LimitName = "cpuQuotaPercent" | "cpuWeight" | "memoryMaxBytes" | "tasksMax";

export type Controller = "cpu" | "memory" | "pids";

/** The period that quotas are counted in, the kernel's default. */
const PERIOD_US = 100_000;

interface Limit {
  readonly name: LimitName;
  readonly controller: Controller;
  readonly value: number;
  /** File and content in v2 and v1. */
  readonly v2: readonly [string, string];
  readonly v1: readonly [string, string];
}

/** The limits that a specification asks for, and how each is written. */
export function limitsOf(spec: SandboxSpec): readonly Limit[] {
  const limits: Limit[] = [];
  const add = (
    name: LimitName,
    controller: Controller,
    v2: (value: number) => [string, string],
    v1: (value: number) => [string, string],
  ): void => {
    const value = spec[name];
    if (value !== undefined && value !== Number.POSITIVE_INFINITY) {
      limits.push({ name, controller, value, v2: v2(value), v1: v1(value) });
    }
  };
  // The kernel refuses quotas under 1 ms.
  const quota = (percent: number): number => Math.max(1000, Math.round(percent * 1000));
  add(
    "cpuQuotaPercent",
    "cpu",
    (percent) => ["cpu.max", `${quota(percent)} ${PERIOD_US}`],
    (percent) => ["cpu.cfs_quota_us", String(quota(percent))],
  );
  add(
    "cpuWeight",
    "cpu",
    (weight) => ["cpu.weight", String(Math.min(10_000, Math.max(1, Math.round(weight))))],
    // As systemd: weight 100 is 1024 shares.
    (weight) => [
      "cpu.shares",
      String(Math.min(262_144, Math.max(2, Math.round((weight * 1024) / 100)))),
    ],
  );
  add(
    "memoryMaxBytes",
    "memory",
    (bytes) => ["memory.max", String(Math.floor(bytes))],
    (bytes) => ["memory.limit_in_bytes", String(Math.floor(bytes))],
  );
  add(
    "tasksMax",
    "pids",
    (tasks) => ["pids.max", String(Math.floor(tasks))],
    (tasks) => ["pids.max", String(Math.floor(tasks))],
  );
  return limits;
}

/** Writes one limit; false where the kernel has no such file or refuses. */
export async function applyLimit(
  directory: string,
  [file, content]: readonly [string, string],
): Promise<boolean> {
  return writeFile(join(directory, file), content).then(
    () => true,
    () => false,
  );
}
