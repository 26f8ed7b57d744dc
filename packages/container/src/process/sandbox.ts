import type { SandboxCgroup } from "../cgroup/sandbox-cgroup.js";
import { usageOf } from "../cgroup/usage.js";
import { deferred } from "../deferred.js";
import { ContainerError } from "../errors.js";
import type { Helper, SandboxEvents } from "../helper/client.js";
import type { KeptProcess } from "../helper/kept.js";
import type {
  AdoptedProcess,
  OutputChunk,
  ProcessExit,
  ProcessSpec,
  ResourceUsage,
  RunningProcess,
  Sandbox,
  SpawnFailure,
} from "../runtime.js";
import { parseNotify } from "./notify.js";
import { OUTPUT_WINDOW_BYTES, OutputGate } from "./output-gate.js";
import { exitOf, signalNumber } from "./signals.js";

/** How a specification becomes something that the helper can execute. */
export interface Launch {
  /** The helper's `exec` settings. */
  readonly settings: readonly string[];
  /** Puts a failure in the words of what failed, as a container runtime's log tells it. */
  explain?(failure: SpawnFailure): Promise<SpawnFailure>;
  /** Called when the process is gone. */
  finished?(): Promise<void>;
}

/** What differs between bare processes and containers. */
export interface Launcher {
  /** NOTIFY_SOCKET as the unit's processes see it. */
  notifyPath(hostPath: string): string;
  launch(spec: ProcessSpec): Promise<Launch>;
  /** Learns what the launches of an earlier daemon left. */
  adopt(): Promise<void>;
  /** Removes what the launches left. */
  delete(): Promise<void>;
}

/** A setting that could not be applied and does not matter enough to fail. */
export interface Warning {
  readonly sandbox: string;
  readonly pid: number;
  /** systemd's name of the step, such as `LIMITS`. */
  readonly step: string;
  readonly message: string;
}

export interface SandboxParts {
  readonly id: string;
  readonly cgroup: SandboxCgroup | undefined;
  readonly ignoredLimits: readonly string[];
  /** How the helper finds the sandbox's processes without a cgroup. */
  readonly track: "cgroup" | "tree";
  /** The notify socket's path on the host. */
  readonly notify: string | undefined;
  readonly launcher: Launcher;
  /** The helper to use now; a new one if the last was lost. */
  helper(): Promise<Helper>;
  release(helper: Helper | undefined): Promise<void>;
  warn(warning: Warning): void;
}

/** A sandbox whose processes run under the helper. */
export class HelperSandbox implements Sandbox {
  readonly id: string;
  readonly notifySocket?: string;
  onNotify: Sandbox["onNotify"];
  onEmpty: Sandbox["onEmpty"];
  readonly #parts: SandboxParts;
  readonly #output: OutputGate;
  #attaching: Promise<Helper> | undefined;
  #helper: Helper | undefined;
  #processes = 0;
  #deleted: Promise<void> | undefined;
  #adopted: readonly AdoptedProcess[] | undefined;

  constructor(parts: SandboxParts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#output = new OutputGate((bytes) => this.#helper?.credit(this.id, bytes));
    if (parts.notify !== undefined) this.notifySocket = parts.launcher.notifyPath(parts.notify);
  }

  /** Limits of the specification that this machine cannot enforce. */
  get ignoredLimits(): readonly string[] {
    return this.#parts.ignoredLimits;
  }

  get onOutput(): ((chunk: OutputChunk) => void) | undefined {
    return this.#output.reader;
  }

  set onOutput(reader: ((chunk: OutputChunk) => void) | undefined) {
    this.#output.reader = reader;
  }

  /** The processes of an earlier daemon, of a sandbox that was adopted. */
  get adopted(): readonly AdoptedProcess[] | undefined {
    return this.#adopted;
  }

  /**
   * Takes the place of the sandbox that an earlier daemon made. What was held meanwhile comes after
   * the caller of this has had its turn, so that it can set its handlers first.
   */
  async adopt(kept: readonly KeptProcess[]): Promise<void> {
    const helper = await this.#parts.helper();
    await this.#parts.launcher.adopt();
    this.#helper = helper;
    this.#adopted = kept.map(({ pid, tag, executed, exited }) => {
      this.#processes++;
      const over = exited.then((status) => {
        this.#processes--;
        return exitOf(status);
      });
      return { pid, tag, executed, exited: over };
    });
    // Where it fails the helper is lost, which `lost` tells.
    void helper.resumeSandbox(this.id, OUTPUT_WINDOW_BYTES, this.#events()).catch(() => {});
  }

  /** Takes back what was made for a sandbox that never came to be. */
  async abandon(): Promise<void> {
    await this.#parts.cgroup?.remove();
    await this.#parts.release(undefined);
  }

  /** Announces the sandbox to the helper, so that its notify socket is there. */
  async attach(): Promise<void> {
    await this.#attached();
  }

  async oomKilled(): Promise<boolean> {
    return (await this.#parts.cgroup?.oomKilled()) ?? false;
  }

  async exec(spec: ProcessSpec): Promise<RunningProcess> {
    const { cgroup, launcher } = this.#parts;
    const helper = await this.#attached();
    if (cgroup?.limitsMemory && this.#processes === 0) await cgroup.resetOom();
    const launch = await launcher.launch(spec);
    const executed = deferred<SpawnFailure | undefined>();
    const exited = deferred<ProcessExit>();
    this.#processes++;
    try {
      const pid = await helper.exec(this.id, launch.settings, {
        executed: (failure) => executed.resolve(failure),
        exited: (status) => {
          this.#processes--;
          exited.resolve(exitOf(status));
        },
      });
      return this.#running(pid, launch, executed.promise, exited.promise);
    } catch (error) {
      this.#processes--;
      await launch.finished?.();
      throw error;
    }
  }

  async signal(pid: number, signal: string): Promise<void> {
    const number = signalNumber(signal);
    const helper = await this.#attached();
    await helper.request("signal", this.id, [String(pid), String(number)]);
  }

  async signalAll(signal: string): Promise<void> {
    const number = signalNumber(signal);
    const helper = await this.#attached();
    await helper.request("signal-all", this.id, [String(number)]);
  }

  async pids(): Promise<readonly number[]> {
    const helper = await this.#attached();
    return (await helper.request("pids", this.id, [])).map(Number);
  }

  async watch(pid: number): Promise<Pick<RunningProcess, "pid" | "exited">> {
    const helper = await this.#attached();
    const exited = deferred<ProcessExit>();
    const events = {
      executed: () => {},
      exited: (status: number) => exited.resolve(exitOf(status)),
    };
    await helper.watch(this.id, pid, events);
    return { pid, exited: exited.promise };
  }

  async stats(): Promise<ResourceUsage> {
    const pids = await this.pids();
    return (await this.#parts.cgroup?.stats(pids)) ?? usageOf(pids);
  }

  delete(): Promise<void> {
    this.#deleted ??= this.#delete().catch((error: unknown) => {
      // So that a later call tries again.
      this.#deleted = undefined;
      throw error;
    });
    return this.#deleted;
  }

  async #delete(): Promise<void> {
    const { cgroup, launcher, release } = this.#parts;
    await this.#attaching?.catch(() => {});
    const helper = this.#helper;
    if (helper !== undefined && !helper.lost) {
      await helper.removeSandbox(this.id).catch((error: unknown) => {
        if (!helper.lost) throw error;
      });
    }
    if (helper?.lost) await cgroup?.kill();
    await launcher.delete();
    if (cgroup !== undefined && !(await cgroup.remove())) {
      throw new ContainerError("busy", `processes of ${this.id} survive SIGKILL`);
    }
    await release(helper);
  }

  #running(
    pid: number,
    launch: Launch,
    executed: Promise<SpawnFailure | undefined>,
    exited: Promise<ProcessExit>,
  ): RunningProcess {
    if (launch.explain === undefined) return { pid, executed, exited };
    const explained = executed.then((failure) => failure && launch.explain?.(failure));
    const ended = Promise.all([explained, exited]).then(
      // What was not executed ends with the code of what failed, not with the runtime's.
      ([failure, exit]): ProcessExit =>
        failure === undefined ? exit : { type: "exited", code: failure.exitCode },
    );
    // The exit is told at once; clearing up after it happens beside, and its failure is harmless:
    // the sandbox's deletion does it again.
    void ended.then(() => launch.finished?.().catch(() => {}));
    return { pid, executed: explained, exited: ended };
  }

  async #attached(): Promise<Helper> {
    if (this.#deleted !== undefined) {
      throw new ContainerError("not-found", `sandbox ${this.id} was deleted`);
    }
    if (this.#helper !== undefined && !this.#helper.lost) return this.#helper;
    this.#attaching ??= this.#attachTo().finally(() => {
      this.#attaching = undefined;
    });
    return this.#attaching;
  }

  async #attachTo(): Promise<Helper> {
    const { cgroup, notify, track } = this.#parts;
    const helper = await this.#parts.helper();
    this.#output.reset();
    await helper.addSandbox(
      this.id,
      {
        track: cgroup?.track ?? (track === "tree" ? "tree" : "none"),
        notify: notify ?? "",
        credit: OUTPUT_WINDOW_BYTES,
        clone: cgroup !== undefined && !cgroup.wasKilled,
        procs: cgroup?.procs ?? [],
      },
      this.#events(),
    );
    this.#helper = helper;
    return helper;
  }

  #events(): SandboxEvents {
    return {
      output: (pid, stream, data) =>
        this.#output.push({ stream: stream === 1 ? "stdout" : "stderr", pid, data }),
      notify: (pid, data) => this.onNotify?.(parseNotify(data), pid),
      warning: (pid, step, message) => this.#parts.warn({ sandbox: this.id, pid, step, message }),
      // After the continuations of `exited`, which was told before.
      empty: () => queueMicrotask(() => this.onEmpty?.()),
      lost: () => {
        const killed = this.#parts.cgroup?.kill() ?? Promise.resolve();
        void killed.then(() => this.onEmpty?.());
      },
    };
  }
}
