import { createHash } from "node:crypto";
import { mkdir, realpath } from "node:fs/promises";
import { Cgroups } from "./cgroup/cgroups.js";
import type { CgroupMode } from "./cgroup/layout.js";
import { limitsOf } from "./cgroup/limits.js";
import { ContainerError } from "./errors.js";
import { Helper, helperScript } from "./helper/client.js";
import { NotifyDirectory } from "./notify-directory.js";
import { findOciRuntime } from "./oci/detect.js";
import { type OciHost, OciLauncher, openOciHost } from "./oci/launcher.js";
import { checkRoot } from "./oci/root.js";
import { processLauncher } from "./process/launcher.js";
import { HelperSandbox, type Launcher, type Warning } from "./process/sandbox.js";
import type { Runtime, Sandbox, SandboxSpec } from "./runtime.js";

/** What a runtime needs to know. */
export interface RuntimeOptions {
  /** Runtime state: bundles, locks. Made if missing; one runtime at a time uses it. */
  readonly directory: string;
  /**
   * The cgroup below which sandboxes get theirs, relative to each tree's root, such as
   * `flotilla/n1`. One runtime at a time uses it, and what it finds there at start it kills.
   * Default: a name made from `directory`.
   */
  readonly cgroupParent?: string;
  /**
   * What makes containers: `crun`, `runc`, the absolute path of either, `auto` (the first of the two
   * that is installed), or `none`. Default `auto`.
   */
  readonly oci?: "auto" | "crun" | "runc" | "none" | (string & {});
  /** `none` does without cgroups even where they work. Default `auto`. */
  readonly cgroups?: "auto" | "none";
  /** Between SIGTERM and SIGKILL for all units once the daemon is gone. Default 0: SIGKILL at once. */
  readonly graceMs?: number;
  /** How long to wait for a predecessor that still kills its units. Default 10,000. */
  readonly lockWaitMs?: number;
  /** The Perl interpreter. Default `/usr/bin/perl`. */
  readonly perl?: string;
  /** The helper script, where a bundler has moved it. Default: the one in this package. */
  readonly helper?: string;
  /** Told of settings that could not be applied and were left out. */
  readonly onWarning?: (warning: Warning) => void;
}

/** A sandbox of a {@link LocalRuntime}. */
export interface LocalSandbox extends Sandbox {
  /** Limits of the specification that this machine cannot enforce, by their names there. */
  readonly ignoredLimits: readonly string[];
}

/** The runtime that {@link createRuntime} gives. */
export interface LocalRuntime extends Runtime {
  /** How processes are kept together: see {@link CgroupMode}. */
  readonly cgroups: CgroupMode;
  /** What makes containers here; specifications with a `rootDirectory` need one. */
  readonly oci: "crun" | "runc" | "none";
  /** The helper's pid, for curious people; 0 while there is none. */
  readonly helperPid: number;
  create(spec: SandboxSpec): Promise<LocalSandbox>;
}

/**
 * Makes a runtime on this machine: bare processes in cgroups, started by a small helper process.
 * When this process ends, however it ends, the helper kills everything that the runtime started.
 *
 * Throws a `ContainerError`: "helper-unavailable" without perl, "in-use" when another runtime has
 * the directory or the cgroup parent.
 *
 * @example
 * ```ts
 * await using runtime = await createRuntime({ directory: "/run/example" });
 * const sandbox = await runtime.create({ id: "hello.service", notify: false });
 * sandbox.onOutput = ({ data }) => process.stdout.write(data);
 * const hello = await sandbox.exec({ path: "echo", argv: ["echo", "hello"], environment: {} });
 * console.log(await hello.exited);
 * await sandbox.delete();
 * ```
 */
export async function createRuntime(options: RuntimeOptions): Promise<LocalRuntime> {
  await mkdir(options.directory, { recursive: true, mode: 0o755 });
  const directory = await realpath(options.directory);
  const parent = options.cgroupParent ?? defaultParent(directory);
  checkParent(parent);
  const oci = await findOciRuntime(options.oci ?? "auto");
  const cgroups = await Cgroups.open(parent, options.cgroups ?? "auto");
  const host = new HelperHost(options, [directory, ...cgroups.locks]);
  await host.shared();
  try {
    await cgroups.removeStale();
    const notify = await NotifyDirectory.open(directory);
    const hidden = oci?.program === "crun" ? cgroups.hybridMounts : [];
    const containers = oci && (await openOciHost(oci, directory, hidden, () => host.shared()));
    return new HelperRuntime({ options, cgroups, host, notify, containers });
  } catch (error) {
    await host.close();
    throw error;
  }
}

function defaultParent(directory: string): string {
  return `flotilla/${createHash("sha256").update(directory).digest("hex").slice(0, 12)}`;
}

function checkParent(parent: string): void {
  const parts = parent.split("/");
  if (parent.length > 200 || parts.some((part) => !/^[A-Za-z0-9_-][A-Za-z0-9:_.-]*$/.test(part))) {
    throw new ContainerError("invalid-argument", `cgroup parent ${JSON.stringify(parent)}`);
  }
}

/** Starts helpers: one for all sandboxes, or (without cgroups) one for each. */
class HelperHost {
  readonly #options: RuntimeOptions;
  readonly #locks: readonly string[];
  readonly #all = new Set<Helper>();
  #current: Helper | undefined;
  #starting: Promise<Helper> | undefined;

  constructor(options: RuntimeOptions, locks: readonly string[]) {
    this.#options = options;
    this.#locks = locks;
  }

  get pid(): number {
    return this.#current === undefined || this.#current.lost ? 0 : this.#current.pid;
  }

  /** The helper that holds the locks; started anew if it was lost. */
  async shared(): Promise<Helper> {
    if (this.#current !== undefined && !this.#current.lost) return this.#current;
    this.#starting ??= this.start(this.#locks).finally(() => {
      this.#starting = undefined;
    });
    this.#current = await this.#starting;
    return this.#current;
  }

  async start(locks: readonly string[]): Promise<Helper> {
    const { graceMs = 0, lockWaitMs = 10_000, perl = "/usr/bin/perl", helper } = this.#options;
    const script = helper ?? (await helperScript());
    const started = await Helper.start({ locks, graceMs, lockWaitMs, perl, script });
    this.#all.add(started);
    void started.ended.then(() => this.#all.delete(started));
    return started;
  }

  async close(): Promise<void> {
    await this.#starting?.catch(() => {});
    await Promise.all([...this.#all].map((helper) => helper.close()));
  }
}

interface RuntimeParts {
  readonly options: RuntimeOptions;
  readonly cgroups: Cgroups;
  readonly host: HelperHost;
  readonly notify: NotifyDirectory;
  readonly containers: OciHost | undefined;
}

class HelperRuntime implements LocalRuntime {
  readonly #parts: RuntimeParts;
  readonly #sandboxes = new Map<string, Promise<HelperSandbox>>();
  #closed: Promise<void> | undefined;

  constructor(parts: RuntimeParts) {
    this.#parts = parts;
  }

  get cgroups(): CgroupMode {
    return this.#parts.cgroups.mode;
  }

  get oci(): "crun" | "runc" | "none" {
    return this.#parts.containers?.runtime.program ?? "none";
  }

  get helperPid(): number {
    return this.#parts.host.pid;
  }

  async create(spec: SandboxSpec): Promise<HelperSandbox> {
    if (this.#closed !== undefined) throw new ContainerError("closed", "the runtime is closed");
    if (this.#sandboxes.has(spec.id)) {
      throw new ContainerError("exists", `sandbox ${spec.id} exists already`);
    }
    const creating = this.#create(spec);
    this.#sandboxes.set(spec.id, creating);
    creating.catch(() => this.#sandboxes.delete(spec.id));
    return creating;
  }

  async #create(spec: SandboxSpec): Promise<HelperSandbox> {
    const { cgroups, host, notify, options } = this.#parts;
    const makeLauncher = await this.#launcherFor(spec);
    const cgroup = await cgroups.create(spec);
    const socket = spec.notify ? await notify.add(spec.id) : undefined;
    const sandbox = new HelperSandbox({
      id: spec.id,
      cgroup,
      ignoredLimits: cgroup?.ignored ?? limitsOf(spec).map((limit) => limit.name),
      track: cgroup === undefined ? "tree" : "cgroup",
      notify: socket,
      launcher: makeLauncher(socket),
      helper: () => (cgroup === undefined ? host.start([]) : host.shared()),
      release: async (helper) => {
        this.#sandboxes.delete(spec.id);
        if (socket !== undefined) await notify.remove(socket);
        if (cgroup === undefined) await helper?.close();
      },
      warn: (warning) => options.onWarning?.(warning),
    });
    try {
      await sandbox.attach();
      return sandbox;
    } catch (error) {
      await cgroup?.remove();
      if (socket !== undefined) await notify.remove(socket);
      throw error;
    }
  }

  /** Checks what a container needs before anything is made for it. */
  async #launcherFor(spec: SandboxSpec): Promise<(notify: string | undefined) => Launcher> {
    const { rootDirectory, id } = spec;
    if (rootDirectory === undefined) return () => processLauncher;
    const { containers, cgroups } = this.#parts;
    if (containers === undefined) {
      throw new ContainerError(
        "no-oci-runtime",
        `${id} asks for a root directory, but there is no container runtime; ` +
          "install the Debian package crun or runc",
      );
    }
    const root = await checkRoot(rootDirectory);
    const cgroup = cgroups.pathOf(id);
    return (notify) => new OciLauncher(containers, { id, root, notify, cgroup });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    const { cgroups, host, notify } = this.#parts;
    const created = await Promise.allSettled(this.#sandboxes.values());
    await Promise.allSettled(
      created.map((result) => (result.status === "fulfilled" ? result.value.delete() : undefined)),
    );
    await host.close();
    await cgroups.close();
    await notify.close();
  }
}
