import type { Admission } from "../conditions/conditions.js";
import type { ActiveState, JobResult } from "../types.js";
import type { ManagedUnit, UnitChange } from "../unit.js";
import type { DependencyGraph } from "./graph.js";
import { type JobType, mergeJobs } from "./job-type.js";
import { mustWait, type OrderedJob, orderedAgainst } from "./ordering.js";
import { type PlannedJob, planTransaction, type Transaction } from "./transaction.js";

interface Job {
  readonly unit: string;
  type: JobType;
  running: boolean;
  /** The unit has taken the request: from now on its changes are the job's. */
  accepted: boolean;
  readonly waiters: ((result: JobResult) => void)[];
}

/** What the engine needs to know of the machine. */
export interface JobEngineOptions {
  readonly graph: () => DependencyGraph;
  readonly unit: (name: string) => ManagedUnit | undefined;
  readonly stateOf: (name: string) => ActiveState | "builtin" | "absent";
  /** Appends to a unit's journal. */
  readonly log: (unit: string, message: string) => void;
  /** Looks at the conditions and assertions of a unit that is about to start. */
  readonly admit: (unit: string) => Admission["verdict"];
  /** Told of all jobs that are queued or run, once they have changed. */
  readonly onJobs: (jobs: readonly OrderedJob[]) => void;
}

/** A refused transaction. */
export type Refused = Transaction & { readonly ok: false };

/**
 * The queue of jobs: one a unit at most. A job runs once no job that goes before it is left, and is
 * over when its unit has reached (or missed) its state.
 */
export class JobEngine {
  readonly #options: JobEngineOptions;
  readonly #jobs = new Map<string, Job>();
  #scheduled = false;

  constructor(options: JobEngineOptions) {
    this.#options = options;
  }

  /**
   * Asks for a job and what follows from it, replacing queued jobs that contradict it. Gives the
   * outcome of each unit's job, or why the request was refused.
   */
  submit(type: JobType, units: readonly string[]): Promise<JobResult>[] | Refused {
    const transaction = planTransaction({
      type,
      units,
      graph: this.#options.graph(),
      stateOf: this.#options.stateOf,
      jobOf: (unit) => this.#jobs.get(unit)?.type,
    });
    if (!transaction.ok) return transaction;
    for (const note of transaction.notes) for (const unit of units) this.#options.log(unit, note);
    const results = new Map<string, Promise<JobResult>>();
    for (const planned of transaction.jobs) {
      const job = this.#install(planned);
      if (planned.anchor) {
        results.set(planned.unit, new Promise((resolve) => job.waiters.push(resolve)));
      }
    }
    this.#schedule();
    return [...results.values()];
  }

  /** Takes up jobs that another engine had, from their beginnings. */
  restore(jobs: readonly OrderedJob[]): void {
    for (const { unit, type } of jobs) {
      this.#jobs.set(unit, { unit, type, running: false, accepted: false, waiters: [] });
    }
    this.#schedule();
  }

  /** The type of the unit's job, while it has one. */
  jobOf(unit: string): JobType | undefined {
    return this.#jobs.get(unit)?.type;
  }

  /** Cancels the job of a unit that is no more. */
  forget(unit: string): void {
    const job = this.#jobs.get(unit);
    if (job) this.#finish(job, "canceled", true);
  }

  /** Cancels every job that is still queued or running; the units stay as they are. */
  cancelAll(): void {
    for (const job of [...this.#jobs.values()]) this.#finish(job, "canceled", false);
  }

  /** Takes a unit's change of state. True when a job of it explains the change. */
  notify(change: UnitChange): boolean {
    const job = this.#jobs.get(change.name);
    const expected = job?.accepted === true && this.#advance(job, change);
    this.#schedule();
    return expected;
  }

  // ── the queue ─────────────────────────────────────────────────────────────────────────────────

  #install({ unit, type }: PlannedJob): Job {
    const queued = this.#jobs.get(unit);
    if (queued) {
      const merged = mergeJobs(queued.type, type);
      if (merged !== undefined && (!queued.running || merged === queued.type)) {
        queued.type = merged;
        return queued;
      }
      this.#finish(queued, "canceled", false);
    }
    const job: Job = { unit, type, running: false, accepted: false, waiters: [] };
    this.#jobs.set(unit, job);
    return job;
  }

  /** Later in this turn: one pass serves everything that happened in it. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      for (const job of [...this.#jobs.values()]) {
        if (!job.running && this.#jobs.get(job.unit) === job && this.#runnable(job)) this.#run(job);
      }
      this.#options.onJobs([...this.#jobs.values()].map(({ unit, type }) => ({ unit, type })));
    });
  }

  #runnable(job: Job): boolean {
    const graph = this.#options.graph();
    for (const name of orderedAgainst(job.unit, graph)) {
      const other = this.#jobs.get(name);
      if (other && mustWait(job, other, graph)) return false;
    }
    return true;
  }

  #run(job: Job): void {
    const unit = this.#options.unit(job.unit);
    if (!unit) {
      this.#finish(job, "canceled", true);
      return;
    }
    if (job.type === "try-restart") {
      if (unit.active === "inactive" || unit.active === "failed") {
        this.#finish(job, "done", false);
        return;
      }
      job.type = "restart";
    }
    if (job.type === "restart" && (unit.active === "inactive" || unit.active === "failed")) {
      job.type = "start";
    }
    if (job.type === "stop" || job.type === "restart") this.#runStop(job, unit);
    else if (job.type === "reload") this.#runReload(job, unit);
    else this.#runStart(job, unit);
  }

  #runStart(job: Job, unit: ManagedUnit): void {
    switch (unit.active) {
      case "active":
      case "reloading":
        this.#finish(job, "done", true);
        break;
      case "deactivating":
        // Its stop is under way; the end of it schedules this job again.
        break;
      default:
        if (job.type === "start") this.#startIfAdmitted(job, unit);
        else if (unit.active !== "activating") this.#finish(job, "failed", true);
    }
  }

  #startIfAdmitted(job: Job, unit: ManagedUnit): void {
    const verdict = unit.active === "activating" ? "met" : this.#options.admit(job.unit);
    if (verdict === "met") this.#begin(job, (accepted) => unit.start(accepted));
    // As in systemd, a condition that is not met is no failure.
    else this.#finish(job, verdict === "assert" ? "assert" : "done", true);
  }

  #runStop(job: Job, unit: ManagedUnit): void {
    if (unit.active === "inactive" || unit.active === "failed") {
      this.#finish(job, "done", true);
    } else {
      this.#begin(job, (accepted) => unit.stop(accepted));
    }
  }

  #runReload(job: Job, unit: ManagedUnit): void {
    if (unit.active === "active") this.#begin(job, (accepted) => unit.reload(accepted));
    else if (unit.active === "inactive" || unit.active === "failed") {
      this.#finish(job, "invalid", true);
    }
  }

  #begin(job: Job, request: (accepted: () => void) => void): void {
    job.running = true;
    request(() => {
      job.accepted = true;
    });
  }

  // ── how a job ends ────────────────────────────────────────────────────────────────────────────

  /** True when the change is what the job is for. */
  #advance(job: Job, change: UnitChange): boolean {
    const { after } = change;
    const down = after === "inactive" || after === "failed";
    switch (job.type) {
      case "start":
      case "verify-active":
        if (after === "active" || after === "reloading") this.#finish(job, "done", true);
        else if (down) this.#finish(job, startResult(change), true);
        return after !== "deactivating" && !down;
      case "stop":
        if (down) this.#finish(job, "done", true);
        else if (after !== "deactivating") this.#finish(job, "failed", true);
        return true;
      case "restart":
      case "try-restart":
        if (down) this.#turnIntoStart(job);
        else if (after !== "deactivating") this.#finish(job, "failed", true);
        return true;
      case "reload":
        if (after === "active") {
          this.#finish(job, change.reloadResult === "success" ? "done" : "failed", true);
        } else if (down) this.#finish(job, "failed", true);
        return !down;
    }
  }

  /** The first half of a restart is over; the second waits its turn among the starts. */
  #turnIntoStart(job: Job): void {
    job.type = "start";
    job.running = false;
    job.accepted = false;
    this.#schedule();
  }

  #finish(job: Job, result: JobResult, recursive: boolean): void {
    if (this.#jobs.get(job.unit) !== job) return;
    this.#jobs.delete(job.unit);
    const starts = job.type === "start" || job.type === "verify-active";
    if (starts && recursive) this.#failDependents(job, result);
    for (const resolve of job.waiters) resolve(result);
    this.#schedule();
  }

  #failDependents(job: Job, result: JobResult): void {
    const graph = this.#options.graph();
    const active = this.#options.unit(job.unit)?.active;
    const dependents = new Set<string>();
    if (result !== "done") {
      for (const relation of ["requiredBy", "boundBy", "requisiteOf"] as const) {
        for (const name of graph.get(job.unit, relation)) dependents.add(name);
      }
    } else if (active !== "active" && active !== "reloading") {
      // A oneshot that is over was started well, but is not there for those who need it active.
      for (const name of graph.get(job.unit, "requisiteOf")) dependents.add(name);
    }
    for (const name of dependents) {
      const other = this.#jobs.get(name);
      if (other?.type !== "start" && other?.type !== "verify-active") continue;
      this.#options.log(name, `Dependency failed: ${job.unit} (${result}).`);
      this.#finish(other, "dependency", true);
    }
  }
}

function startResult({ after, result }: UnitChange): JobResult {
  if (after === "failed") return "failed";
  return result === "exec-condition" ? "skipped" : "done";
}
