import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ContainerError } from "../errors.js";
import type { SandboxSpec } from "../runtime.js";
import {
  type CgroupLayout,
  type CgroupMode,
  cgroupName,
  ownUnifiedPath,
  readLayout,
} from "./layout.js";
import { applyLimit, type Controller, type LimitName, limitsOf } from "./limits.js";
import { SandboxCgroup } from "./sandbox-cgroup.js";
import { childCgroups, killCgroup, removeTree } from "./tree.js";

/** In a v1-only machine one controller's tree tells which processes belong together. */
const TRACKING_CONTROLLERS = ["freezer", "pids", "cpuacct", "cpu", "memory"];

/** How long leftovers of an earlier run may take to die. */
const STALE_WAIT_MS = 10_000;

/** The cgroups below one parent, which belong to one runtime. */
export class Cgroups {
  readonly mode: CgroupMode;
  readonly #layout: CgroupLayout;
  /** The parent's directory in the tree that tracks; undefined in mode "none". */
  readonly #parent: string | undefined;
  /** The parent below each mount point of v1, without the mount point. */
  readonly #relative: string;

  private constructor(
    mode: CgroupMode,
    layout: CgroupLayout,
    parent: string | undefined,
    relativeParent: string,
  ) {
    this.mode = mode;
    this.#layout = layout;
    this.#parent = parent;
    this.#relative = relativeParent;
  }

  /**
   * Finds a tree that may be written to and makes the parent there. `wanted: "none"` and machines
   * without permission give a manager whose `mode` is "none".
   */
  static async open(
    parent: string,
    wanted: "auto" | "none",
    layout: CgroupLayout = readLayout(),
  ): Promise<Cgroups> {
    const none = new Cgroups("none", layout, undefined, parent);
    if (wanted === "none" || layout.mode === "none") return none;
    for (const directory of await parentCandidates(layout, parent)) {
      const made = await mkdir(directory, { recursive: true }).then(
        () => true,
        () => false,
      );
      if (made && (await isWritable(directory))) {
        return new Cgroups(layout.mode, layout, directory, parent);
      }
    }
    return none;
  }

  /** What to lock, so that no other runtime uses the same parent. */
  get locks(): readonly string[] {
    return this.#parent === undefined ? [] : [this.#parent];
  }

  /** Where v1 trees are beside it, the v2 tree's mount point. */
  get hybridMounts(): readonly string[] {
    const { mode, unified } = this.#layout;
    return mode === "hybrid" && unified !== undefined ? [unified] : [];
  }

  /** A sandbox's cgroup, relative to each tree's root; undefined in mode "none". */
  pathOf(id: string): string | undefined {
    return this.#parent === undefined ? undefined : `${this.#relative}/${cgroupName(id)}`;
  }

  /** Kills and removes what an earlier runtime of the same parent left. Call it with the lock held. */
  async removeStale(): Promise<void> {
    if (this.#parent === undefined) return;
    const parent = this.#parent;
    const names = await childCgroups(parent);
    await Promise.all(names.map((name) => removeLeftover(join(parent, name))));
    for (const mount of this.#layout.mounts) {
      const directory = join(mount, this.#relative);
      if (directory === parent) continue;
      const leftovers = await childCgroups(directory);
      await Promise.all(leftovers.map((name) => removeLeftover(join(directory, name))));
    }
  }

  /** Makes a sandbox's cgroups with its limits; undefined in mode "none". */
  async create(spec: SandboxSpec): Promise<SandboxCgroup | undefined> {
    if (this.#parent === undefined) return undefined;
    const name = cgroupName(spec.id);
    if (name.length > 255) {
      throw new ContainerError("invalid-argument", `sandbox name is too long: ${spec.id}`);
    }
    const track = join(this.#parent, name);
    const directories = new Set([track]);
    const where = new Map<Controller, string>();
    const ignored: LimitName[] = [];
    try {
      await mkdir(track, { recursive: true });
      const accounting = await this.#accounting(name);
      if (accounting !== undefined) directories.add(accounting);
      for (const limit of limitsOf(spec)) {
        const directory = await this.#directoryFor(limit.controller, name);
        const isV1 = directory !== undefined && directory !== track;
        const written =
          directory !== undefined && (await applyLimit(directory, isV1 ? limit.v1 : limit.v2));
        if (written) {
          directories.add(directory);
          where.set(limit.controller, directory);
        } else ignored.push(limit.name);
      }
    } catch (error) {
      throw new ContainerError("resources", `cgroup of ${spec.id}: ${String(error)}`, {
        cause: error,
      });
    }
    // runc makes its cgroups in every v1 tree, so every tree is looked at when the sandbox goes.
    const everywhere = this.#layout.mounts.map((mount) => join(mount, this.#relative, name));
    const joined = [...directories];
    return new SandboxCgroup({ track, joined, everywhere, where, ignored });
  }

  /** Removes the parent's directories where they are empty. */
  async close(): Promise<void> {
    if (this.#parent === undefined) return;
    const parents = this.#layout.mounts.map((mount) => join(mount, this.#relative));
    for (const directory of new Set([...parents, this.#parent])) {
      // And the parent's own parent, such as `flotilla`, unless another runtime uses it.
      const emptied = this.#relative.includes("/") ? [directory, dirname(directory)] : [directory];
      for (const path of emptied) await rmdir(path).catch(() => {});
    }
  }

  /** v2 counts CPU time in every cgroup; where there is only v1, a controller must be joined for it. */
  async #accounting(name: string): Promise<string | undefined> {
    const mount = this.#layout.controllers.get("cpuacct");
    if (this.mode !== "v1" || mount === undefined) return undefined;
    const directory = join(mount, this.#relative, name);
    await mkdir(directory, { recursive: true });
    return directory;
  }

  /** Where a controller's files for a sandbox are, made ready; undefined where there are none. */
  async #directoryFor(controller: Controller, name: string): Promise<string | undefined> {
    const mount = this.#layout.controllers.get(controller);
    if (mount !== undefined) {
      const directory = join(mount, this.#relative, name);
      return mkdir(directory, { recursive: true }).then(
        () => directory,
        () => undefined,
      );
    }
    const { unified } = this.#layout;
    if (unified === undefined || this.#parent === undefined) return undefined;
    const enabled = await enableController(unified, this.#parent, controller);
    return enabled ? join(this.#parent, name) : undefined;
  }
}

async function parentCandidates(layout: CgroupLayout, parent: string): Promise<string[]> {
  if (layout.unified !== undefined) {
    const own = await ownUnifiedPath(layout.unified);
    return [join(layout.unified, parent), join(own, parent)];
  }
  const controller = TRACKING_CONTROLLERS.find((name) => layout.controllers.has(name));
  const mount = controller && layout.controllers.get(controller);
  return mount ? [join(mount, parent)] : [];
}

async function isWritable(directory: string): Promise<boolean> {
  const probe = join(directory, `_probe-${process.pid}`);
  return mkdir(probe)
    .then(() => rmdir(probe))
    .then(
      () => true,
      () => false,
    );
}

/** Lets the children of `parent` and of all directories above it use a controller (v2). */
async function enableController(
  unified: string,
  parent: string,
  controller: string,
): Promise<boolean> {
  const steps = relative(unified, parent).split(sep);
  let directory = unified;
  for (const step of ["", ...steps]) {
    directory = join(directory, step);
    const written = await writeFile(
      join(directory, "cgroup.subtree_control"),
      `+${controller}`,
    ).then(
      () => true,
      () => false,
    );
    // Above a delegated subtree this may be forbidden and needless; at the parent it counts.
    if (!written && directory === parent) return false;
  }
  return true;
}

async function removeLeftover(directory: string): Promise<void> {
  const deadline = Date.now() + STALE_WAIT_MS;
  while (!(await removeTree(directory))) {
    await killCgroup(directory);
    if (Date.now() > deadline) {
      const name = join(basename(dirname(directory)), basename(directory));
      throw new ContainerError("busy", `processes of an earlier run survive SIGKILL in ${name}`);
    }
    await delay(5);
  }
}
