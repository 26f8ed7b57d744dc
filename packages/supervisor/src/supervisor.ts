import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "./clock.js";
import { type Admission, checkConditions } from "./conditions/conditions.js";
import { SupervisorError } from "./errors.js";
import { BUILTIN_TARGETS } from "./jobs/builtin.js";
import { JobEngine } from "./jobs/engine.js";
import { DependencyGraph } from "./jobs/graph.js";
import type { JobType } from "./jobs/job-type.js";
import { Journal } from "./journal/journal.js";
import type { SupervisorOptions } from "./options.js";
import { Reactions } from "./reactions.js";
import type { Sandbox } from "./runtime.js";
import { type HandedListener, SocketUnit } from "./socket/socket-unit.js";
import { type KeptUnit, Remembrance, readKeptUnits } from "./survival/remembrance.js";
import { TriggeringUnit } from "./triggering-unit.js";
import type {
  ActiveState,
  JobResult,
  JournalEntry,
  JournalOptions,
  Supervisor,
  UnitStatus,
} from "./types.js";
import type { ManagedUnit, Triggering, UnitChange, UnitDefinition } from "./unit.js";
import { describeChange, restTimes } from "./unit-change.js";
import {
  assertUnitName,
  type Definition,
  readDefinition,
  statusOf,
  type UnitEntry,
} from "./unit-entry.js";
import { makeUnit } from "./unit-kinds.js";

const SEGMENT_BYTES_MAX = 8 * 1024 * 1024;
const SEGMENTS_MAX = 2;
const UNLOADED_JOURNALS_MAX = 256;
const SHUTDOWN_TIMEOUT_MS = 120_000;

/** What {@link createSupervisor} gives: the supervisor of this package, with what only it can do. */
export interface LocalSupervisor extends Supervisor {
  /** Runs ExecReload=; `invalid` when the unit is not active. */
  reload(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult>;
  /** The newest definition of a loaded unit, as it was given to `load`. */
  content(name: string): string | undefined;
  /**
   * Ends this supervisor and lets its units go on, for the next supervisor of the same runtime
   * directory. Over a runtime that keeps nothing it is `shutdown()`.
   */
  detach(): Promise<void>;
}

/**
 * Makes a supervisor: systemd's job engine over `options.runtime`. Nothing runs until units are
 * loaded and started; call `shutdown()` (or use `await using`) to stop what does. Where the runtime
 * kept the units of an earlier supervisor that was killed, they are loaded and go on, as they were.
 *
 * @example
 * ```ts
 * const supervisor = await createSupervisor({ runtime, directory: "/var/lib/flotilla" });
 * await supervisor.load("hello.service", "[Service]\nExecStart=/bin/echo hello\n");
 * await supervisor.start("hello.service"); // "done"
 * for await (const entry of supervisor.journal("hello.service")) console.log(entry.message);
 * ```
 */
export async function createSupervisor(options: SupervisorOptions): Promise<LocalSupervisor> {
  const directory = join(options.directory, "journal");
  await mkdir(directory, { recursive: true });
  const clock = options.clock ?? systemClock;
  const limits = {
    segmentBytesMax: options.journal?.segmentBytesMax ?? SEGMENT_BYTES_MAX,
    segmentsMax: options.journal?.segmentsMax ?? SEGMENTS_MAX,
  };
  const journal = new Journal(directory, limits, clock);
  await journal.removeOldest(options.journal?.unloadedMax ?? UNLOADED_JOURNALS_MAX);
  const supervisor = new UnitSupervisor(options, clock, journal);
  await supervisor.adopt();
  return supervisor;
}

class UnitSupervisor implements LocalSupervisor {
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #units = new Map<string, UnitEntry>();
  readonly #engine: JobEngine;
  readonly #reactions: Reactions;
  readonly #remembrance: Remembrance;
  readonly #triggering: Triggering;
  readonly #listeners = new Set<(status: UnitStatus) => void>();
  /** Loads and unloads of one unit go one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #activeElsewhere: ReadonlySet<string>;
  #graph: DependencyGraph | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(options: SupervisorOptions, clock: Clock, journal: Journal) {
    this.#options = options;
    this.#clock = clock;
    this.#journal = journal;
    this.#activeElsewhere = new Set([...BUILTIN_TARGETS, ...(options.activeUnits ?? [])]);
    this.#remembrance = new Remembrance(options.runtime);
    this.#triggering = {
      directory: options.directory,
      startedAt: clock.now(),
      random: options.random ?? Math.random,
      isLoaded: (name) => this.#units.get(name)?.managed !== undefined,
      activeOf: (name) => this.#units.get(name)?.managed?.active,
      timesOf: (name) => this.#units.get(name)?.times ?? {},
      listenersOf: (service) => this.#listenersOf(service),
      start: (name, by, ended) => this.#submitForItself("start", name, `triggered by ${by}`, ended),
    };
    const graph = (): DependencyGraph => this.#dependencies();
    this.#engine = new JobEngine({
      graph,
      unit: (name) => this.#units.get(name)?.managed,
      stateOf: (name) => this.#stateOf(name),
      log: (name, message) => this.#log(name, message),
      admit: (name) => this.#admit(name),
      onJobs: (jobs) => this.#remembrance.jobs(jobs),
    });
    this.#reactions = new Reactions({
      clock,
      graph,
      activeOf: (name) => this.#units.get(name)?.managed?.active,
      stopsUnneeded: (name) =>
        this.#units.get(name)?.definition.settings?.flag("Unit", "StopWhenUnneeded") ?? false,
      hasJob: (name) => this.#engine.jobOf(name) !== undefined,
      submit: (type, name, why) => this.#submitForItself(type, name, why),
    });
  }

  async load(name: string, content: string): Promise<UnitStatus> {
    assertUnitName(name);
    return this.#inTurn(name, async () => {
      this.#assertRunning();
      const definition = readDefinition(name, content, this.#options.specifiers ?? {});
      await this.#journal.open(name);
      this.#assertRunning();
      return statusOf(this.#take(name, definition, this.#clock.now()));
    });
  }

  async unload(name: string): Promise<void> {
    await this.#inTurn(name, async () => {
      const entry = this.#units.get(name);
      if (!entry) return;
      if (isUp(entry)) await this.#submit("stop", name, undefined).catch(() => "canceled");
      await entry.managed?.dispose();
      this.#units.delete(name);
      this.#remembrance.forget(name);
      this.#reactions.forget(name);
      this.#engine.forget(name);
      this.#graph = undefined;
      await this.#journal.close(name);
    });
  }

  async start(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult> {
    this.#startable(name);
    this.#assertManual(name, "RefuseManualStart");
    return this.#submit("start", name, options?.signal);
  }

  async stop(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult> {
    const entry = this.#find(name);
    if (!entry.managed) return "done";
    this.#assertManual(name, "RefuseManualStop");
    return this.#submit("stop", name, options?.signal);
  }

  async restart(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult> {
    this.#startable(name);
    this.#assertManual(name, "RefuseManualStart");
    this.#assertManual(name, "RefuseManualStop");
    return this.#submit("restart", name, options?.signal);
  }

  async reload(name: string, options?: { readonly signal?: AbortSignal }): Promise<JobResult> {
    this.#startable(name);
    return this.#submit("reload", name, options?.signal);
  }

  resetFailed(name: string): void {
    this.#find(name).managed?.resetFailed();
  }

  async status(name: string): Promise<UnitStatus | undefined> {
    const entry = this.#units.get(name);
    if (!entry) return undefined;
    return { ...statusOf(entry), ...(await entry.managed?.usage()) };
  }

  content(name: string): string | undefined {
    return this.#units.get(name)?.definition.content;
  }

  list(): readonly UnitStatus[] {
    return [...this.#units.values()].map(statusOf);
  }

  journal(name: string, options?: JournalOptions): AsyncIterable<JournalEntry> {
    assertUnitName(name);
    return this.#journal.read(name, options);
  }

  onChange(listener: (status: UnitStatus) => void): () => void {
    // Wrapped, so that a function that listens twice is told twice and can leave one by one.
    const own = (status: UnitStatus): void => listener(status);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.#stopAll();
    return this.#shutdown;
  }

  detach(): Promise<void> {
    if (!this.#options.runtime.note) return this.shutdown();
    this.#shutdown ??= this.#letGo();
    return this.#shutdown;
  }

  /** Takes up what an earlier supervisor left in the runtime. Call it once, before anything else. */
  async adopt(): Promise<void> {
    const { runtime } = this.#options;
    if (!runtime.remains) return;
    const { units, jobs } = readKeptUnits(runtime.remains);
    const sandboxes = new Map<string, Sandbox>();
    for (const id of runtime.remains.sandboxes) {
      const sandbox = await runtime.adopt?.(id);
      if (!sandbox) continue;
      if (units.get(id)?.state === undefined) await sandbox.delete();
      else sandboxes.set(id, sandbox);
    }
    for (const name of units.keys()) await this.#journal.open(name);
    for (const [name, kept] of units) this.#adoptUnit(name, kept, sandboxes.get(name));
    this.#engine.restore(jobs.filter(({ unit }) => this.#units.get(unit)?.managed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  // ── units ─────────────────────────────────────────────────────────────────────────────────────

  /** A definition takes the place of the one before. */
  #take(name: string, definition: Definition, loadedAt: number): UnitEntry {
    const entry: UnitEntry = this.#units.get(name) ?? {
      name,
      definition,
      managed: undefined,
      loadedAt,
      times: {},
    };
    this.#units.set(name, entry);
    entry.definition = definition;
    const { model, settings, content } = definition;
    if (model && settings) {
      if (entry.managed) entry.managed.replace({ model, settings, content });
      else entry.managed = this.#make(entry, { model, settings, content });
    }
    this.#graph = undefined;
    this.#remembrance.unit(name, { content, loadedAt: entry.loadedAt });
    return entry;
  }

  #make(entry: UnitEntry, definition: UnitDefinition): ManagedUnit {
    return makeUnit(definition, {
      runtime: this.#options.runtime,
      clock: this.#clock,
      log: (line) => this.#journal.append(entry.name, line),
      onChange: (change) => this.#changed(entry, change),
      onRestart: () => this.#submitForItself("restart", entry.name, "Restart="),
      onImage: (image) => this.#remembrance.state(entry.name, image),
      triggering: this.#triggering,
    });
  }

  /** First on the definition that it runs on, then with the newest. */
  #adoptUnit(name: string, kept: KeptUnit, sandbox: Sandbox | undefined): void {
    const read = (content: string): Definition =>
      readDefinition(name, content, this.#options.specifiers ?? {});
    const { content, state } = kept;
    const old = (state as { readonly content?: string } | undefined)?.content ?? content;
    const entry = this.#take(name, read(old), kept.loadedAt);
    if (state !== undefined) entry.managed?.adopt(state, sandbox);
    if (old !== content) this.#take(name, read(content), kept.loadedAt);
    if (sandbox) this.#log(name, "Adopted from an earlier supervisor.");
  }

  #find(name: string): UnitEntry {
    const entry = this.#units.get(name);
    if (!entry) throw new SupervisorError("not-found", `Unit ${name} is not loaded`);
    return entry;
  }

  #startable(name: string): void {
    this.#assertRunning();
    const { refusal } = this.#find(name).definition;
    if (refusal) throw refusal;
  }

  #assertManual(name: string, key: "RefuseManualStart" | "RefuseManualStop"): void {
    if (this.#units.get(name)?.definition.settings?.flag("Unit", key)) {
      throw new SupervisorError("refused", `${name} has ${key}=yes`);
    }
  }

  #assertRunning(): void {
    if (this.#shutdown) throw new SupervisorError("stopped", "The supervisor is shutting down");
  }

  #stateOf(name: string): ActiveState | "builtin" | "absent" {
    const entry = this.#units.get(name);
    if (entry?.managed && (entry.definition.model || isUp(entry))) return entry.managed.active;
    return !entry && this.#activeElsewhere.has(name) ? "builtin" : "absent";
  }

  #dependencies(): DependencyGraph {
    this.#graph ??= DependencyGraph.of(
      [...this.#units.values()].flatMap(({ definition, managed }) => {
        const { model, settings } = definition;
        if (!model || !settings) return [];
        const triggers = managed instanceof TriggeringUnit ? [managed.triggers] : [];
        return { model, settings, triggers };
      }),
    );
    return this.#graph;
  }

  async #inTurn<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(run, run);
    this.#turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    }
  }

  // ── jobs ──────────────────────────────────────────────────────────────────────────────────────

  async #submit(type: JobType, name: string, signal: AbortSignal | undefined): Promise<JobResult> {
    signal?.throwIfAborted();
    const submitted = this.#engine.submit(type, [name]);
    if (!Array.isArray(submitted)) {
      this.#log(name, `No ${type} job: ${submitted.message}.`);
      if (submitted.reason === "missing") return "missing";
      throw new SupervisorError(
        submitted.reason,
        `No ${type} job for ${name}: ${submitted.message}`,
      );
    }
    return orAborted(submitted[0] ?? Promise.resolve("done"), signal);
  }

  /** A job that a unit's change of state asks for. */
  #submitForItself(type: JobType, name: string, why: string, ended?: () => void): boolean {
    if (this.#shutdown) return false;
    const entry = this.#units.get(name);
    const refusal = entry ? entry.definition.refusal : `${name} is not loaded`;
    const submitted = refusal ? undefined : this.#engine.submit(type, [name]);
    if (Array.isArray(submitted)) {
      this.#log(name, `A ${type} job is queued: ${why}.`);
      if (ended) void Promise.all(submitted).then(ended);
      return true;
    }
    const problem = submitted?.message ?? String(refusal);
    this.#log(name, `No ${type} job (${why}): ${problem}.`);
    // Without its restart job the unit would stay in auto-restart for ever.
    if (type === "restart") entry?.managed?.stop(() => {});
    return false;
  }

  // ── what happens ──────────────────────────────────────────────────────────────────────────────

  #changed(entry: UnitEntry, change: UnitChange): void {
    const description = entry.definition.model?.unit.description ?? "";
    const message = describeChange(change, description || entry.name);
    if (message) this.#log(entry.name, message);
    entry.times = { ...entry.times, ...restTimes(change, this.#clock.now()) };
    const status = statusOf(entry);
    for (const listener of this.#listeners) tell(listener, status);
    const expected = this.#engine.notify(change);
    this.#reactions.notify(change, expected);
    for (const other of this.#dependencies().get(entry.name, "triggeredBy")) {
      const unit = this.#units.get(other)?.managed;
      if (unit instanceof TriggeringUnit) unit.triggeredChanged(change);
    }
  }

  #listenersOf(service: string): readonly HandedListener[] {
    const sockets = [...this.#dependencies().get(service, "triggeredBy")].sort();
    return sockets.flatMap((name) => {
      const unit = this.#units.get(name)?.managed;
      return unit instanceof SocketUnit ? unit.handed : [];
    });
  }

  #admit(name: string): Admission["verdict"] {
    const settings = this.#units.get(name)?.definition.settings;
    const admission: Admission = settings ? checkConditions(settings) : { verdict: "met" };
    if (admission.verdict !== "met") {
      const kind = admission.verdict === "assert" ? "assertion" : "condition";
      this.#log(name, `Starting was left: the ${kind} ${admission.setting} is not met.`);
    }
    return admission.verdict;
  }

  #log(name: string, message: string): void {
    this.#journal.append(name, {
      source: "supervisor",
      identifier: "supervisor",
      pid: process.pid,
      message,
    });
  }

  async #stopAll(): Promise<void> {
    // The field that says so is set when this function returns its promise.
    await Promise.resolve();
    this.#reactions.stop();
    const names = [...this.#units.values()].filter(isUp).map(({ name }) => name);
    await this.#withinShutdownTime(Promise.all(this.#submitStops(names)));
    this.#engine.cancelAll();
    const units = [...this.#units.values()];
    await Promise.allSettled(units.map(({ managed }) => managed?.dispose()));
    await this.#journal.closeAll();
    this.#listeners.clear();
    await this.#options.runtime[Symbol.asyncDispose]();
  }

  async #letGo(): Promise<void> {
    await Promise.resolve();
    this.#reactions.stop();
    const units = [...this.#units.values()];
    await Promise.allSettled(units.map(({ managed }) => managed?.abandon()));
    await this.#journal.closeAll();
    this.#listeners.clear();
    await this.#options.runtime.detach?.();
  }

  /** All at once, so that their order counts; one by one where that is a cycle. */
  #submitStops(names: readonly string[]): Promise<JobResult>[] {
    const all = this.#engine.submit("stop", names);
    if (Array.isArray(all)) return all;
    return names.flatMap((name) => {
      const one = this.#engine.submit("stop", [name]);
      return Array.isArray(one) ? one : [];
    });
  }

  async #withinShutdownTime(work: Promise<unknown>): Promise<void> {
    const ms = this.#options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.setTimer(ms, resolve);
      void work.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function isUp({ managed }: UnitEntry): boolean {
  return managed !== undefined && managed.active !== "inactive" && managed.active !== "failed";
}

/** A listener that throws is its owner's fault and must not stop a unit: it comes out as uncaught. */
function tell(listener: (status: UnitStatus) => void, status: UnitStatus): void {
  try {
    listener(status);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    void work.then((value) => {
      signal.removeEventListener("abort", abort);
      resolve(value);
    });
  });
}
