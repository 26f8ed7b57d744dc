import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * How the machine mounts its cgroups: only v2, only v1, v1 controllers beside an empty v2 tree
 * ("hybrid"), or none that may be written to. See cgroups(7).
 */
export type CgroupMode = "v2" | "v1" | "hybrid" | "none";

/** Where the cgroup trees are. */
export interface CgroupLayout {
  readonly mode: CgroupMode;
  /** Mount point of the v2 tree. */
  readonly unified?: string;
  /** v1 controllers and their mount points. */
  readonly controllers: ReadonlyMap<string, string>;
  /** Mount points of all v1 trees, those of other controllers included. */
  readonly mounts: readonly string[];
}

/** Reads the layout off a mount table in the format of proc(5)'s `/proc/self/mounts`. */
export function parseLayout(mounts: string): CgroupLayout {
  let unified: string | undefined;
  const controllers = new Map<string, string>();
  const v1Mounts = new Set<string>();
  for (const line of mounts.split("\n")) {
    const [, escaped = "", type, options = ""] = line.split(" ");
    const path = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (type === "cgroup2") unified ??= path;
    if (type !== "cgroup") continue;
    v1Mounts.add(path);
    for (const option of options.split(",")) {
      if (V1_CONTROLLERS.has(option) && !controllers.has(option)) controllers.set(option, path);
    }
  }
  const mode: CgroupMode =
    unified === undefined
      ? controllers.size > 0
        ? "v1"
        : "none"
      : controllers.size > 0
        ? "hybrid"
        : "v2";
  return {
    mode,
    controllers,
    mounts: [...v1Mounts],
    ...(unified === undefined ? {} : { unified }),
  };
}

const V1_CONTROLLERS = new Set(["cpu", "cpuacct", "memory", "pids", "freezer"]);

/** The layout of this machine. */
export function readLayout(): CgroupLayout {
  return parseLayout(readFileSync("/proc/self/mounts", "utf8"));
}

/** This process's own v2 cgroup, a place that a delegated, unprivileged daemon may write to. */
export async function ownUnifiedPath(unified: string): Promise<string> {
  const text = await readFile("/proc/self/cgroup", "utf8");
  const path = /^0::(.*)$/m.exec(text)?.[1] ?? "/";
  return join(unified, path);
}

/**
 * A unit's name as one directory name that no file of a cgroup can have. Like systemd, a leading
 * `_` marks what would collide; other unusual bytes become `\xhh`.
 */
export function cgroupName(id: string): string {
  const escaped = Buffer.from(id)
    .toString("latin1")
    .replace(
      /[^A-Za-z0-9:_.@-]/g,
      (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return COLLIDES.test(escaped) ? `_${escaped}` : escaped;
}

const COLLIDES =
  /^(?:[._]|(?:cgroup|cpu|cpuacct|cpuset|memory|pids|freezer|io|hugetlb|rdma|misc)\.|tasks$|notify_on_release$|release_agent$)/;
