import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type {
  ProcessExit,
  ProcessSpec,
  ResourceUsage,
  RunningProcess,
  Runtime,
  Sandbox,
  SandboxSpec,
} from "../../src/index.js";

/**
 * A runtime of plain child processes, each the leader of a process group, for tests of the
 * supervisor alone: no cgroups, no users, no notify socket (tests hand in messages themselves).
 */
export class ProcessRuntime implements Runtime {
  readonly sandboxes = new Map<string, ProcessSandbox>();
  readonly created: SandboxSpec[] = [];
  disposed = false;
  /** When set, the next `create` or `exec` rejects with it. */
  failNext: Error | undefined;
  /** What its sandboxes say they cannot limit. */
  ignoredLimits: readonly string[] = [];

  async create(spec: SandboxSpec): Promise<ProcessSandbox> {
    this.takeFailure();
    if (this.sandboxes.has(spec.id)) throw new Error(`sandbox ${spec.id} exists`);
    const sandbox = new ProcessSandbox(spec.id, this);
    this.created.push(spec);
    this.sandboxes.set(spec.id, sandbox);
    return sandbox;
  }

  sandbox(id: string): ProcessSandbox {
    const sandbox = this.sandboxes.get(id);
    if (!sandbox) throw new Error(`no sandbox ${id}`);
    return sandbox;
  }

  takeFailure(): void {
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure) throw failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    for (const sandbox of [...this.sandboxes.values()]) await sandbox.delete();
  }
}

export class ProcessSandbox implements Sandbox {
  readonly id: string;
  onOutput: Sandbox["onOutput"];
  onNotify: Sandbox["onNotify"];
  onEmpty: Sandbox["onEmpty"];
  readonly specs: ProcessSpec[] = [];
  killedByOom = false;
  readonly ignoredLimits: readonly string[];
  readonly #runtime: ProcessRuntime;
  readonly #groups = new Set<number>();
  readonly #running = new Set<Promise<ProcessExit>>();

  constructor(id: string, runtime: ProcessRuntime) {
    this.id = id;
    this.#runtime = runtime;
    this.ignoredLimits = runtime.ignoredLimits;
  }

  async oomKilled(): Promise<boolean> {
    return this.killedByOom;
  }

  async exec(spec: ProcessSpec): Promise<RunningProcess> {
    this.#runtime.takeFailure();
    this.specs.push(spec);
    const child = spawn(spec.path, spec.argv.slice(1), {
      argv0: spec.argv[0] ?? spec.path,
      cwd: spec.workingDirectory,
      env: { ...spec.environment },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { pid } = child;
    if (pid === undefined) return this.#notExecuted(child, spec);
    this.#groups.add(pid);
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.on("data", (data: Buffer) => this.onOutput?.({ stream, pid, data }));
    }
    const exited = new Promise<ProcessExit>((resolve) => {
      child.once("exit", (code, signal) => {
        resolve(
          signal
            ? { type: "signaled", signal, coreDumped: false }
            : { type: "exited", code: code ?? 0 },
        );
      });
    });
    const closed = new Promise<void>((resolve) => child.once("close", resolve));
    this.#running.add(exited);
    void exited.then(async () => {
      if ((await this.pids()).length === 0) await closed;
      this.#running.delete(exited);
      if (this.#running.size === 0 && (await this.pids()).length === 0) this.onEmpty?.();
    });
    return { pid, executed: Promise.resolve(undefined), exited };
  }

  #notExecuted(child: ChildProcess, spec: ProcessSpec): RunningProcess {
    child.on("error", () => {});
    const failure = { step: "EXEC", exitCode: 203, message: `cannot execute ${spec.path}` };
    return {
      pid: 4_000_000 + this.specs.length,
      executed: Promise.resolve(failure),
      exited: Promise.resolve({ type: "exited", code: 203 }),
    };
  }

  async signal(pid: number, signal: string): Promise<void> {
    process.kill(pid, signal);
  }

  async signalAll(signal: string): Promise<void> {
    for (const group of this.#groups) {
      try {
        process.kill(-group, signal);
      } catch {
        this.#groups.delete(group);
      }
    }
  }

  async pids(): Promise<readonly number[]> {
    for (const group of this.#groups) {
      try {
        process.kill(-group, 0);
      } catch {
        this.#groups.delete(group);
      }
    }
    if (this.#groups.size === 0) return [];
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => this.#isOurs(pid));
  }

  async stats(): Promise<ResourceUsage> {
    return { cpuUsec: 1, memoryBytes: 2, tasks: (await this.pids()).length };
  }

  async delete(): Promise<void> {
    await this.signalAll("SIGKILL");
    await Promise.all(this.#running);
    this.#runtime.sandboxes.delete(this.id);
  }

  #isOurs(pid: number): boolean {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state !== "Z" && this.#groups.has(Number(group));
    } catch {
      return false;
    }
  }
}
