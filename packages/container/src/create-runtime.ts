import { createHash } from "node:crypto";
import { mkdir, realpath } from "node:fs/promises";
import { Cgroups } from "./cgroup/cgroups.js";
import type { CgroupMode } from "./cgroup/layout.js";
import { limitsOf } from "./cgroup/limits.js";
import { ContainerError } from "./errors.js";
import { HelperHost } from "./helper/host.js";
import type { KeptThings } from "./helper/kept.js";
import { NotifyDirectory } from "./notify-directory.js";
import { findOciRuntime } from "./oci/detect.js";
import { type OciHost, OciLauncher, openOciHost } from "./oci/launcher.js";
import { checkRoot } from "./oci/root.js";
import { processLauncher } from "./process/launcher.js";
import { HelperSandbox, type Launcher, type Warning } from "./process/sandbox.js";
import type {
  Listener,
  ListenerSpec,
  RunningProcess,
  Runtime,
  RuntimeRemains,
  Sandbox,
  SandboxSpec,
} from "./runtime.js";

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
  /**
   * Once the daemon is gone without closing the runtime, keep everything running for so long, until
   * a runtime of the same directory takes it over; then it is stopped as without this. It needs
   * cgroups. Default 0: nothing outlives the daemon.
   */
  readonly adoptMs?: number;
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
  watch(pid: number): Promise<Pick<RunningProcess, "pid" | "exited">>;
}

/** The runtime that {@link createRuntime} gives. */
export interface LocalRuntime extends Runtime {
  /** How processes are kept together: see {@link CgroupMode}. */
  readonly cgroups: CgroupMode;
  /** What makes containers here; specifications with a `rootDirectory` need one. */
  readonly oci: "crun" | "runc" | "none";
  /** The helper's pid, for curious people; 0 while there is none. */
  readonly helperPid: number;
  /** What an earlier runtime of this directory left; only with `adoptMs`. */
  readonly remains: RuntimeRemains | undefined;
  create(spec: SandboxSpec): Promise<LocalSandbox>;
  adopt(id: string): Promise<LocalSandbox>;
  listen(spec: ListenerSpec): Promise<Listener>;
  /**
   * Should this process go, others may take over no longer than `ms` from now: then everything is
   * stopped. The newest call counts, in place of `adoptMs`; a lease's holder calls it with each
   * renewal, so that what ran under the lease never outlives it.
   */
  hold(ms: number): void;
  detach(): Promise<void>;
}

/**
 * Makes a runtime on this machine: bare processes in cgroups, started by a small helper process.
 * When this process ends, however it ends, the helper kills everything that the runtime started (or,
 * with `adoptMs`, keeps it for the next runtime of the same directory).
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
  const host = new HelperHost({
    locks: [directory, ...cgroups.locks],
    directory,
    // Without cgroups each sandbox has a helper of its own, which nobody would find again.
    adoptMs: cgroups.mode === "none" ? 0 : (options.adoptMs ?? 0),
    graceMs: options.graceMs ?? 0,
    lockWaitMs: options.lockWaitMs ?? 10_000,
    perl: options.perl ?? "/usr/bin/perl",
    script: options.helper,
  });
  const kept = await host.open();
  try {
    if (kept === undefined) await cgroups.removeStale();
    const keep = kept !== undefined;
    const notify = await NotifyDirectory.open(directory, keep);
    const hidden = oci?.program === "crun" ? cgroups.hybridMounts : [];
    const containers =
      oci && (await openOciHost(oci, { directory, keep }, hidden, () => host.shared()));
    return new HelperRuntime({ options, cgroups, host, notify, containers, kept });
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

/** Notes of this package and of its user, kept apart by how their keys begin. */
const SANDBOX_NOTE = "sandbox ";
const USER_NOTE = "user ";

interface RuntimeParts {
  readonly options: RuntimeOptions;
  readonly cgroups: Cgroups;
  readonly host: HelperHost;
  readonly notify: NotifyDirectory;
  readonly containers: OciHost | undefined;
  readonly kept: KeptThings | undefined;
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

  get remains(): RuntimeRemains | undefined {
    const { kept } = this.#parts;
    if (kept === undefined) return undefined;
    const notes = [...kept.notes]
      .filter(([key]) => key.startsWith(USER_NOTE))
      .map(([key, value]): [string, string] => [key.slice(USER_NOTE.length), value]);
    return { sandboxes: [...kept.sandboxes.keys()], notes: new Map(notes) };
  }

  get note(): ((key: string, value: string) => void) | undefined {
    const { host } = this.#parts;
    return host.outlives ? (key, value) => host.note(`${USER_NOTE}${key}`, value) : undefined;
  }

  /** Held by the shared helper: without cgroups, where each sandbox has its own, there are none. */
  async listen(spec: ListenerSpec): Promise<Listener> {
    const { cgroups, host } = this.#parts;
    if (cgroups.mode === "none") {
      throw new ContainerError("resources", "listeners need cgroups, so that one helper has all");
    }
    const port = await (await host.shared()).listen(spec);
    return {
      id: spec.id,
      port,
      arm: async (incoming) => (await host.shared()).arm(spec.id, incoming),
      close: async () => (await host.shared()).unlisten(spec.id),
    };
  }

  hold(ms: number): void {
    this.#parts.host.hold(ms);
  }

  async adopt(id: string): Promise<HelperSandbox> {
    const { kept } = this.#parts;
    const processes = kept?.sandboxes.get(id);
    const note = kept?.notes.get(`${SANDBOX_NOTE}${id}`);
    if (processes === undefined || note === undefined) {
      throw new ContainerError("not-found", `no sandbox ${id} was left`);
    }
    kept?.sandboxes.delete(id);
    const spec = JSON.parse(note) as SandboxSpec;
    const adopting = this.#make(spec, "there").then(async (sandbox) => {
      await sandbox.adopt(processes);
      return sandbox;
    });
    this.#sandboxes.set(id, adopting);
    return adopting;
  }

  async #create(spec: SandboxSpec): Promise<HelperSandbox> {
    const sandbox = await this.#make(spec, "new");
    try {
      await sandbox.attach();
      this.#parts.host.note(`${SANDBOX_NOTE}${spec.id}`, JSON.stringify(spec));
      return sandbox;
    } catch (error) {
      await sandbox.abandon();
      throw error;
    }
  }

  /** The sandbox's means on this machine: made, or (for one that is adopted) there already. */
  async #make(spec: SandboxSpec, socketIs: "new" | "there"): Promise<HelperSandbox> {
    const { cgroups, host, notify, options } = this.#parts;
    const makeLauncher = await this.#launcherFor(spec);
    const cgroup = await cgroups.create(spec);
    const place = (): Promise<string> =>
      socketIs === "new" ? notify.add(spec.id) : notify.find(spec.id);
    const socket = spec.notify ? await place() : undefined;
    return new HelperSandbox({
      id: spec.id,
      cgroup,
      ignoredLimits: cgroup?.ignored ?? limitsOf(spec).map((limit) => limit.name),
      track: cgroup === undefined ? "tree" : "cgroup",
      notify: socket,
      launcher: makeLauncher(socket),
      helper: () => (cgroup === undefined ? host.single() : host.shared()),
      release: async (helper) => {
        this.#sandboxes.delete(spec.id);
        host.note(`${SANDBOX_NOTE}${spec.id}`, "");
        if (socket !== undefined) await notify.remove(socket);
        if (cgroup === undefined) await helper?.close();
      },
      warn: (warning) => options.onWarning?.(warning),
    });
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

  async detach(): Promise<void> {
    this.#closed ??= this.#parts.host.detach();
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
