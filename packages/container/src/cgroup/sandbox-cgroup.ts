import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ResourceUsage } from "../runtime.js";
import type { Controller, LimitName } from "./limits.js";
import { killCgroup, removeTree } from "./tree.js";
import { usageOf } from "./usage.js";

/** The kernel finishes a cgroup's last process a moment after it was reaped. */
const REMOVE_TRIES = 200;
const REMOVE_PAUSE_MS = 5;

/** One sandbox's directories in the cgroup trees. */
export class SandboxCgroup {
  /** The directory whose members are the sandbox's processes. */
  readonly track: string;
  /** `cgroup.procs` of every tree that a process joins. */
  readonly procs: readonly string[];
  /** Limits that this machine cannot enforce. */
  readonly ignored: readonly LimitName[];
  readonly #directories: readonly string[];
  readonly #where: ReadonlyMap<Controller, string>;
  #oomBaseline = 0;
  #wasKilled = false;

  constructor(fields: {
    track: string;
    /** Directories that the sandbox's processes join, `track` first. */
    joined: readonly string[];
    /** Where else a container runtime may have made cgroups for it. */
    everywhere: readonly string[];
    where: ReadonlyMap<Controller, string>;
    ignored: readonly LimitName[];
  }) {
    this.track = fields.track;
    this.ignored = fields.ignored;
    this.#directories = [...new Set([...fields.joined, ...fields.everywhere])];
    this.#where = fields.where;
    this.procs = fields.joined.map((directory) => join(directory, "cgroup.procs"));
  }

  /** Whether there is a count of OOM kills to ask for. */
  get limitsMemory(): boolean {
    return this.#where.has("memory");
  }

  /** Whether {@link kill} was used: clone3 into such a cgroup is fatal to the child on Linux 6.18. */
  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  /** Forgets the OOM kills so far. */
  async resetOom(): Promise<void> {
    this.#oomBaseline = await this.#oomKills();
  }

  async oomKilled(): Promise<boolean> {
    return (await this.#oomKills()) > this.#oomBaseline;
  }

  async stats(pids: readonly number[]): Promise<ResourceUsage> {
    const usage = await usageOf(pids);
    const cpu =
      (await readNumber(join(this.track, "cpu.stat"), /^usage_usec (\d+)/m)) ??
      (await this.#accountedCpu());
    const memory = await this.#memory();
    return {
      cpuUsec: cpu ?? usage.cpuUsec,
      memoryBytes: memory ?? usage.memoryBytes,
      tasks: usage.tasks,
    };
  }

  /** Kills every process, without the helper. */
  async kill(): Promise<void> {
    this.#wasKilled = true;
    await killCgroup(this.track);
  }

  /** Removes the directories; their processes must be gone. */
  async remove(): Promise<boolean> {
    for (let tries = 0; tries < REMOVE_TRIES; tries++) {
      const removed = await Promise.all(this.#directories.map(removeTree));
      if (removed.every(Boolean)) return true;
      await delay(REMOVE_PAUSE_MS);
    }
    return false;
  }

  async #oomKills(): Promise<number> {
    const directory = this.#where.get("memory");
    if (directory === undefined) return 0;
    return (
      (await readNumber(join(directory, "memory.events"), /^oom_kill (\d+)/m)) ??
      (await readNumber(join(directory, "memory.oom_control"), /^oom_kill (\d+)/m)) ??
      0
    );
  }

  /** v1's cpuacct, in nanoseconds. */
  async #accountedCpu(): Promise<number | undefined> {
    for (const directory of this.#directories) {
      const usage = await readNumber(join(directory, "cpuacct.usage"), /^(\d+)/);
      if (usage !== undefined) return Math.round(usage / 1000);
    }
    return undefined;
  }

  async #memory(): Promise<number | undefined> {
    const directory = this.#where.get("memory");
    if (directory === undefined) return undefined;
    return (
      (await readNumber(join(directory, "memory.current"), /^(\d+)/)) ??
      (await readNumber(join(directory, "memory.usage_in_bytes"), /^(\d+)/))
    );
  }
}

async function readNumber(path: string, pattern: RegExp): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  const match = text === undefined ? undefined : pattern.exec(text)?.[1];
  return match === undefined ? undefined : Number(match);
}
