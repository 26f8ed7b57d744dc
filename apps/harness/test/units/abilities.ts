import { existsSync } from "node:fs";

export const isRoot: boolean = process.getuid?.() === 0;

/** Whether units get cgroups of their own here. */
export const limits: boolean = isRoot && existsSync("/sys/fs/cgroup");
if (!limits) console.warn("skipped: limits need root and cgroups");
