import { strict as assert } from "node:assert";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ExecCommand, expandEnvironment, type ServiceSection } from "@flotilla/units";
import type { Clock } from "../clock.js";
import { LineSplitter } from "../journal/line-splitter.js";
import type {
  AdoptedProcess,
  OutputChunk,
  ProcessExit,
  ProcessSpec,
  ResourceUsage,
  RunningProcess,
  Runtime,
  Sandbox,
} from "../runtime.js";
import type { UnitSettings } from "../settings/unit-settings.js";
import type { HandedListener } from "../socket/socket-unit.js";
import type { UnitSurroundings } from "../unit.js";
import { directoryVariables, makeDirectories, removeRuntimeDirectories } from "./directories.js";
import { buildEnvironment } from "./environment.js";
import { ignoredSettings } from "./ignored-settings.js";
import { OutputRouter } from "./output.js";
import { findUser } from "./passwd.js";
import type { ExecSection, ServiceEvent, ServiceSnapshot, SpawnAction } from "./protocol.js";

/** How often a PID file is looked for, and a process looked after that is no child of ours. */
const POLL_MS = 100;

/** Of a process that runs already. */
const EXECUTED: Promise<undefined> = Promise.resolve(undefined);

/** How long a signal waits for execve, so that the set-up before it does not swallow the signal. */
const EXECUTE_WAIT_MS = 1_000;
/** Processes whose name is remembered for their lines in the journal. */
const IDENTIFIERS_MAX = 64;

/** What one activation needs. */
export interface ActivationOptions {
  readonly name: string;
  readonly service: ServiceSection;
  readonly settings: UnitSettings;
  readonly invocationId: string;
  readonly clock: Clock;
  readonly log: UnitSurroundings["log"];
  readonly post: (event: ServiceEvent) => void;
  /** Sockets that the service is started with. */
  readonly listeners: () => readonly HandedListener[];
}

/** What another activation has to know to go on with this one's processes. */
export interface ActivationImage {
  readonly invocationId: string;
  /** What processes are called in the journal, by pid. */
  readonly identifiers: readonly (readonly [number, string])[];
}

/** One run of a service from its first command to its last: the sandbox and the processes in it. */
export class Activation {
  readonly #options: ActivationOptions;
  readonly #lines: LineSplitter;
  readonly #output: OutputRouter;
  readonly #identifiers = new Map<number, string>();
  /** What is being started: its first output may be here before its process ID is. */
  #spawning: string | undefined;
  readonly #own = new Set<number>();
  readonly #adopted = new Map<string, AdoptedProcess>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #polls = new Set<() => void>();
  #sandbox: Sandbox | undefined;
  /** Counts how often the sandbox ran empty, to tell an answer of `pids` from before. */
  #emptied = 0;
  #released = false;

  constructor(options: ActivationOptions) {
    this.#options = options;
    this.#lines = new LineSplitter((key, message) => this.#line(key, message));
    this.#output = new OutputRouter(
      options.service,
      ({ stream, pid, data }) => this.#lines.push(`${pid} ${stream}`, data),
      (message) => this.#log(message),
    );
  }

  /** Makes the sandbox. */
  async open(runtime: Runtime): Promise<void> {
    const { name, service, settings } = this.#options;
    const ignored = ignoredSettings(settings);
    if (ignored.length > 0) {
      this.#log(`Not enforced by this supervisor: ${ignored.join(", ")}.`);
    }
    const sandbox = await runtime.create({
      id: name,
      notify:
        service.type.startsWith("notify") || service.notifyAccess !== "none" || watched(service),
      ...(service.rootDirectory !== undefined && { rootDirectory: service.rootDirectory }),
      ...(service.cpuQuotaPercent !== undefined && { cpuQuotaPercent: service.cpuQuotaPercent }),
      ...(service.cpuWeight !== undefined && { cpuWeight: service.cpuWeight }),
      ...(service.memoryMaxBytes !== undefined && { memoryMaxBytes: service.memoryMaxBytes }),
      ...(service.tasksMax !== undefined && { tasksMax: service.tasksMax }),
    });
    const unlimited = sandbox.ignoredLimits ?? [];
    if (unlimited.length > 0) {
      this.#log(`This machine cannot limit it, running without: ${unlimited.join(", ")}.`);
    }
    this.#listen(sandbox);
  }

  /** Goes on with the sandbox that another activation left. */
  adopt(sandbox: Sandbox, image: ActivationImage | undefined): void {
    for (const [pid, identifier] of image?.identifiers ?? []) {
      this.#identifiers.set(pid, identifier);
    }
    this.#listen(sandbox);
    // Of a number that was used twice only the newest process counts.
    const byPid = new Map((sandbox.adopted ?? []).map((process) => [process.pid, process]));
    for (const process of byPid.values()) {
      this.#adopted.set(process.tag, process);
      this.#follow(sandbox, process, this.#identifiers.get(process.pid) ?? "it");
    }
  }

  image(): ActivationImage {
    return { invocationId: this.#options.invocationId, identifiers: [...this.#identifiers] };
  }

  #listen(sandbox: Sandbox): void {
    this.#sandbox = sandbox;
    sandbox.onOutput = (chunk: OutputChunk) => this.#output.write(chunk);
    sandbox.onNotify = (message, pid) => void this.#notify(sandbox, message, pid);
    sandbox.onEmpty = () => {
      this.#emptied += 1;
      this.#options.post({ type: "empty" });
    };
  }

  /**
   * Runs a command; resolves to its pid, rejects when nothing could be run at all. A process of the
   * same `number` that was adopted is not run again.
   */
  async spawn(
    { section, command, number }: Pick<SpawnAction, "section" | "command" | "number">,
    snapshot: ServiceSnapshot,
  ): Promise<number> {
    const sandbox = this.#sandbox;
    assert(sandbox, "an open activation");
    const tag = String(number);
    const adopted = this.#adopted.get(tag);
    if (adopted) return adopted.pid;
    const spec = await this.#processSpec(sandbox, section, command, snapshot);
    this.#spawning = this.#identifierOf(command);
    try {
      const running = await sandbox.exec({ ...spec, tag });
      this.#identify(running.pid, command);
      this.#follow(sandbox, running, command.path);
      return running.pid;
    } finally {
      this.#spawning = undefined;
    }
  }

  #follow(sandbox: Sandbox, running: RunningProcess, path: string): void {
    this.#own.add(running.pid);
    const over = (): unknown => this.#starting.delete(starting);
    const starting: Promise<unknown> = running.executed.then(over, over);
    this.#starting.add(starting);
    void this.#watch(sandbox, running, path);
  }

  /** Signals the processes, or everyone; those that are gone already do not matter. */
  async kill(pids: readonly number[] | undefined, signals: readonly string[]): Promise<void> {
    const sandbox = this.#sandbox;
    if (!sandbox) return;
    await this.#executed();
    for (const signal of signals) {
      const sent = pids
        ? pids.map((pid) => sandbox.signal(pid, signal))
        : [sandbox.signalAll(signal)];
      await Promise.allSettled(sent);
    }
    const left = await sandbox.pids().catch(() => undefined);
    if (left?.length === 0) this.#options.post({ type: "empty" });
  }

  /** Looks for the daemon of a forking service and reports it as `main-found`. */
  findMain(pidFile: string | undefined): void {
    const sandbox = this.#sandbox;
    assert(sandbox, "an open activation");
    const look = async (): Promise<boolean> => {
      const pids = await pidsOf(sandbox);
      const pid = pidFile === undefined ? only(pids) : await this.#readPidFile(pidFile, pids);
      // A file may be written yet, until the start's time is up.
      if (pid === 0 && pidFile !== undefined) return false;
      this.#options.post({ type: "main-found", pid });
      return true;
    };
    this.#poll(look);
  }

  /** Reports the end of a main process that was not started as such. */
  watchForeign(pid: number): void {
    const sandbox = this.#sandbox;
    if (!sandbox || this.#own.has(pid)) return;
    const watched = sandbox.watch?.(pid) ?? Promise.reject(new Error("not to be told"));
    void watched.then(
      (running) => {
        this.#own.add(pid);
        return this.#watch(sandbox, { ...running, executed: EXECUTED }, "it");
      },
      () => this.#pollForeign(sandbox, pid),
    );
  }

  /** How it ended cannot be known where it is the child of another process. */
  #pollForeign(sandbox: Sandbox, pid: number): void {
    this.#poll(async () => {
      const pids = await pidsOf(sandbox);
      if (pids.includes(pid)) return false;
      this.#exited(pid, { type: "exited", code: 0 }, pids.length > 0, false);
      return true;
    });
  }

  async usage(): Promise<ResourceUsage | undefined> {
    return this.#sandbox?.stats().catch(() => undefined);
  }

  /** Ends without touching what runs. */
  async abandon(): Promise<void> {
    this.#endPolls();
    this.#lines.flush();
    await this.#output.close();
  }

  /** Kills what is left, writes out unfinished lines, removes the sandbox. */
  async release(restarts: boolean): Promise<void> {
    this.#endPolls();
    const sandbox = this.#sandbox;
    this.#sandbox = undefined;
    await sandbox?.delete().catch((error: Error) => {
      this.#log(`Failed to remove the sandbox: ${error.message}`);
    });
    this.#lines.flush();
    await this.#output.close();
    await removeRuntimeDirectories(this.#options.settings, restarts).catch((error: Error) => {
      this.#log(`Failed to remove a runtime directory: ${error.message}`);
    });
  }

  #endPolls(): void {
    this.#released = true;
    for (const cancel of this.#polls) cancel();
    this.#polls.clear();
  }

  async #executed(): Promise<void> {
    if (this.#starting.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(EXECUTE_WAIT_MS, resolve);
      void Promise.allSettled(this.#starting).then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #processSpec(
    sandbox: Sandbox,
    section: ExecSection,
    command: ExecCommand,
    snapshot: ServiceSnapshot,
  ): Promise<ProcessSpec> {
    const { service, settings, invocationId } = this.#options;
    // In a container they would have to be made below its root, by its own users.
    const bare = service.rootDirectory === undefined;
    if (bare) await makeDirectories(settings, service);
    const environment = await buildEnvironment(service, {
      directories: bare ? directoryVariables(settings) : {},
      section,
      snapshot,
      invocationId,
      notifySocket: sandbox.notifySocket,
    });
    const workingDirectory = await workingDirectoryOf(service);
    const listeners = section === "ExecStart" ? this.#options.listeners() : [];
    if (listeners.length > 0) {
      environment["LISTEN_FDNAMES"] = listeners.map(({ name }) => name).join(":");
    }
    // `+` and `!` commands run as the supervisor's own user.
    const asUser = command.privileges === "default" || command.privileges === "ambient";
    return {
      path: command.path,
      argv: expandEnvironment(command, environment),
      environment,
      limits: service.limits,
      ...(listeners.length > 0 && { listeners: listeners.map(({ id }) => id) }),
      ...(workingDirectory !== undefined && { workingDirectory }),
      ...(service.uMask !== undefined && { umask: service.uMask }),
      ...(service.nice !== undefined && { nice: service.nice }),
      ...(asUser && service.user !== undefined && { user: service.user }),
      ...(asUser && service.group !== undefined && { group: service.group }),
      ...(asUser &&
        service.supplementaryGroups.length > 0 && {
          supplementaryGroups: service.supplementaryGroups,
        }),
    };
  }

  async #watch(sandbox: Sandbox, running: RunningProcess, path: string): Promise<void> {
    const exit = await this.#end(running, path);
    if (this.#released) return;
    const clean = exit.type === "exited" && exit.code === 0;
    const oomKilled = clean ? false : await sandbox.oomKilled().catch(() => false);
    const emptiedBefore = this.#emptied;
    const left = await pidsOf(sandbox);
    const populated = this.#emptied === emptiedBefore && left.some((pid) => pid !== running.pid);
    this.#exited(running.pid, exit, populated, oomKilled);
  }

  /** A process that the runtime lost sight of counts as killed. */
  async #end(running: RunningProcess, path: string): Promise<ProcessExit> {
    try {
      const failure = await running.executed;
      if (!failure) {
        this.#options.post({ type: "executed", pid: running.pid });
        return await running.exited;
      }
      this.#log(`Failed at step ${failure.step} running ${path}: ${failure.message}`);
      return { type: "exited", code: failure.exitCode };
    } catch (error) {
      this.#log(`The runtime lost process ${running.pid}: ${(error as Error).message}`);
      return { type: "signaled", signal: "SIGKILL", coreDumped: false };
    }
  }

  #exited(pid: number, exit: ProcessExit, populated: boolean, oomKilled: boolean): void {
    this.#own.delete(pid);
    this.#options.post({ type: "exited", pid, exit, populated, oomKilled });
  }

  async #notify(
    sandbox: Sandbox,
    message: Readonly<Record<string, string>>,
    pid: number,
  ): Promise<void> {
    const named = Number(message["MAINPID"]);
    if (message["MAINPID"] === undefined || this.#own.has(named)) {
      this.#options.post({ type: "notify", message, pid });
      return;
    }
    const pids = await pidsOf(sandbox);
    if (pids.includes(named)) {
      this.#options.post({ type: "notify", message, pid });
      return;
    }
    this.#log(`New main PID ${message["MAINPID"]} is no process of the service, ignoring.`);
    const { MAINPID: _ignored, ...rest } = message;
    this.#options.post({ type: "notify", message: rest, pid });
  }

  async #readPidFile(pidFile: string, pids: readonly number[]): Promise<number> {
    const { rootDirectory } = this.#options.service;
    const path = rootDirectory === undefined ? pidFile : join(rootDirectory, pidFile);
    const text = await readFile(path, "utf8").catch(() => "");
    const pid = /^\s*(\d+)\s*$/.test(text) ? Number(text) : 0;
    return pids.includes(pid) ? pid : 0;
  }

  /** Asks now and every POLL_MS until the answer is true or the activation ends. */
  #poll(ask: () => Promise<boolean>): void {
    let cancelTimer = (): void => {};
    const cancel = (): void => cancelTimer();
    const turn = async (): Promise<void> => {
      if (this.#released || (await ask()) || this.#released) this.#polls.delete(cancel);
      else cancelTimer = this.#options.clock.setTimer(POLL_MS, () => void turn());
    };
    this.#polls.add(cancel);
    void turn();
  }

  #identifierOf({ path }: ExecCommand): string {
    return this.#options.service.syslogIdentifier ?? basename(path);
  }

  #identify(pid: number, command: ExecCommand): void {
    this.#identifiers.set(pid, this.#identifierOf(command));
    // Output may come after its process has gone, but not after so many others.
    const oldest = this.#identifiers.keys().next().value;
    if (this.#identifiers.size > IDENTIFIERS_MAX && oldest !== undefined) {
      this.#identifiers.delete(oldest);
    }
  }

  #line(key: string, message: string): void {
    const [pidText, stream] = key.split(" ");
    const pid = Number(pidText);
    const identifier = this.#identifiers.get(pid) ?? this.#spawning ?? this.#options.name;
    this.#options.log({
      source: stream === "stderr" ? "stderr" : "stdout",
      identifier,
      pid,
      message,
    });
  }

  #log(message: string): void {
    this.#options.log({
      source: "supervisor",
      identifier: "supervisor",
      pid: process.pid,
      message,
    });
  }
}

/** None when they cannot be told: whoever asks treats that as gone. */
async function pidsOf(sandbox: Sandbox): Promise<readonly number[]> {
  return sandbox.pids().catch(() => []);
}

function watched(service: ServiceSection): boolean {
  return service.watchdogMs > 0 && Number.isFinite(service.watchdogMs);
}

function only(pids: readonly number[]): number {
  return pids.length === 1 ? (pids[0] ?? 0) : 0;
}

/** WorkingDirectory=: `~` is the user's home; with `-` a missing one is left alone. */
async function workingDirectoryOf(service: ServiceSection): Promise<string | undefined> {
  const setting = service.workingDirectory;
  if (!setting) return undefined;
  const path =
    setting.path === "~"
      ? ((await findUser(service.user ?? "root", service.rootDirectory))?.home ?? "/")
      : setting.path;
  if (!setting.optional) return path;
  const seen = service.rootDirectory === undefined ? path : join(service.rootDirectory, path);
  const there = await stat(seen).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  return there ? path : undefined;
}
