import type { Clock } from "./clock.js";
import type { DependencyGraph } from "./jobs/graph.js";
import type { JobType } from "./jobs/job-type.js";
import { StartLimit } from "./service/start-limit.js";
import type { ActiveState } from "./types.js";
import type { UnitChange } from "./unit.js";

/** Upholds= may start one unit this often in this time, as systemd's limit for automatic starts. */
const UPHOLD_BURST = 16;
const UPHOLD_INTERVAL_MS = 10_000;

/** What reactions need of the supervisor. */
export interface ReactionsOptions {
  readonly clock: Clock;
  readonly graph: () => DependencyGraph;
  readonly activeOf: (unit: string) => ActiveState | undefined;
  /** StopWhenUnneeded= of the unit. */
  readonly stopsUnneeded: (unit: string) => boolean;
  readonly hasJob: (unit: string) => boolean;
  /** Asks for a job; nobody waits for it. */
  readonly submit: (type: JobType, unit: string, why: string) => void;
}

/**
 * What a unit's change of state does to others without anybody asking: OnFailure=, OnSuccess=, and
 * BindsTo= and Upholds= of the others (systemd.unit(5)).
 */
export class Reactions {
  readonly #options: ReactionsOptions;
  readonly #upholdLimits = new Map<string, StartLimit>();
  readonly #timers = new Map<string, () => void>();
  #stopped = false;

  constructor(options: ReactionsOptions) {
    this.#options = options;
  }

  /** Takes a change; `expected` when a job of the unit explains it. */
  notify(change: UnitChange, expected: boolean): void {
    if (this.#stopped) return;
    if (!change.willRestart) this.#startFollowers(change);
    if (!expected) this.#stopBound(change);
    this.#uphold(change);
    if (isDown(change.after)) this.#stopUnneeded(change.name);
  }

  /** Forgets a unit. */
  forget(unit: string): void {
    this.#upholdLimits.delete(unit);
    this.#timers.get(unit)?.();
    this.#timers.delete(unit);
  }

  /** No reaction any more. */
  stop(): void {
    this.#stopped = true;
    for (const unit of [...this.#timers.keys()]) this.forget(unit);
  }

  #startFollowers({ name, before, after }: UnitChange): void {
    const graph = this.#options.graph();
    if (after === "failed" && before !== "failed") {
      for (const other of graph.get(name, "onFailure")) {
        this.#options.submit("start", other, `OnFailure= of ${name}`);
      }
    } else if (after === "inactive" && before !== "inactive" && before !== "failed") {
      for (const other of graph.get(name, "onSuccess")) {
        this.#options.submit("start", other, `OnSuccess= of ${name}`);
      }
    }
  }

  #stopBound({ name, before, after }: UnitChange): void {
    const wasUp = before === "active" || before === "activating" || before === "reloading";
    const isUp = after === "active" || after === "activating" || after === "reloading";
    if (!wasUp || isUp) return;
    for (const other of this.#options.graph().get(name, "boundBy")) {
      const state = this.#options.activeOf(other);
      if (state === "active" || state === "activating" || state === "reloading") {
        this.#options.submit("stop", other, `bound to ${name}, which has stopped`);
      }
    }
  }

  /** StopWhenUnneeded=: later in this turn, so that a restart of the one that needed them comes first. */
  #stopUnneeded(name: string): void {
    const graph = this.#options.graph();
    const needed = (["requires", "requisite", "wants", "bindsTo", "upholds"] as const).flatMap(
      (relation) => [...graph.get(name, relation)],
    );
    for (const unit of new Set(needed)) {
      if (!this.#options.stopsUnneeded(unit)) continue;
      this.#options.clock.setTimer(0, () => this.#stopIfUnneeded(unit));
    }
  }

  #stopIfUnneeded(unit: string): void {
    if (this.#stopped || isDown(this.#options.activeOf(unit)) || this.#options.hasJob(unit)) return;
    const graph = this.#options.graph();
    const needs = (["requiredBy", "requisiteOf", "wantedBy", "boundBy", "upheldBy"] as const).some(
      (relation) =>
        [...graph.get(unit, relation)].some(
          (other) => !isDown(this.#options.activeOf(other)) || this.#options.hasJob(other),
        ),
    );
    if (!needs) this.#options.submit("stop", unit, "not needed any more");
  }

  #uphold({ name, after }: UnitChange): void {
    const graph = this.#options.graph();
    if (after === "active") {
      for (const other of graph.get(name, "upholds")) this.#checkUpheld(other);
    } else if (after === "inactive" || after === "failed") {
      this.#checkUpheld(name);
    }
  }

  /** Later in this turn, so that an automatic restart or a job that follows has its way first. */
  #checkUpheld(unit: string): void {
    if (this.#options.graph().get(unit, "upheldBy").size === 0 || this.#timers.has(unit)) return;
    this.#checkAfter(unit, 0);
  }

  #checkAfter(unit: string, ms: number): void {
    const cancel = this.#options.clock.setTimer(ms, () => {
      this.#timers.delete(unit);
      if (this.#needsStart(unit)) this.#startUpheld(unit);
    });
    this.#timers.set(unit, cancel);
  }

  #needsStart(unit: string): boolean {
    const state = this.#options.activeOf(unit);
    if ((state !== "inactive" && state !== "failed") || this.#options.hasJob(unit)) return false;
    return [...this.#options.graph().get(unit, "upheldBy")].some(
      (other) => this.#options.activeOf(other) === "active",
    );
  }

  #startUpheld(unit: string): void {
    const limit = this.#upholdLimits.get(unit) ?? new StartLimit(UPHOLD_INTERVAL_MS, UPHOLD_BURST);
    this.#upholdLimits.set(unit, limit);
    if (limit.admit(this.#options.clock.now())) {
      this.#options.submit("start", unit, "upheld by a unit that is active");
    } else {
      this.#checkAfter(unit, UPHOLD_INTERVAL_MS);
    }
  }
}

function isDown(state: ActiveState | undefined): boolean {
  return state === undefined || state === "inactive" || state === "failed";
}
