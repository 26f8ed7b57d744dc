import type { JobResult, Supervisor } from "@flotilla/supervisor";
import type { Logger } from "pino";
import { messageOf } from "../errors.js";

/** What the cluster wants of one unit on this machine. */
export interface UnitTarget {
  readonly hash: string;
  readonly content: string;
  readonly launched: boolean;
}

/** A unit as this machine has it. */
export interface LoadedUnit {
  readonly hash: string;
  /** Started on this content, whatever became of it. */
  readonly launched: boolean;
}

export interface UnitWorkerOptions {
  readonly name: string;
  readonly supervisor: Supervisor;
  readonly log: Logger;
  /** Its {@link UnitWorker.loaded} changed. */
  readonly onLoaded: (name: string) => void;
  /** Something that was not waited for is over: there may be more to do. */
  readonly onSettled: () => void;
}

/**
 * Brings one unit on this machine to where the cluster wants it. Loading and starting are apart,
 * so that all units are loaded before the first one that may require another is started. A unit
 * is started once for each content: what happens after that is its Restart= policy's business.
 *
 * Neither a start nor a stop is waited for: each may last as long as the unit's own time-outs, and
 * no other unit of the machine shall wait for that.
 */
export class UnitWorker {
  readonly #name: string;
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #onLoaded: (name: string) => void;
  readonly #onSettled: () => void;
  #loaded: string | undefined;
  #launched: string | undefined;
  #unloading = false;
  /** How many loads the machine had seen when a start was refused for want of another unit. */
  #refusedAt: number | undefined;

  constructor(options: UnitWorkerOptions) {
    this.#name = options.name;
    this.#supervisor = options.supervisor;
    this.#log = options.log.child({ unit: options.name });
    this.#onLoaded = options.onLoaded;
    this.#onSettled = options.onSettled;
  }

  get loaded(): LoadedUnit | undefined {
    const hash = this.#loaded;
    return hash === undefined ? undefined : { hash, launched: this.#launched === hash };
  }

  /**
   * Loads, replaces or unloads. A replaced unit is unloaded first, and loaded by a later call.
   * Resolves to true when the unit was loaded.
   */
  async prepare(target: UnitTarget | undefined): Promise<boolean> {
    if (this.#unloading || this.#loaded === target?.hash) return false;
    if (this.#loaded !== undefined) {
      this.#unload();
      return false;
    }
    if (target === undefined) return false;
    this.#log.info({ hash: target.hash.slice(0, 7) }, "loading");
    await this.#supervisor.load(this.#name, target.content);
    this.#loaded = target.hash;
    this.#onLoaded(this.#name);
    return true;
  }

  /**
   * Starts or stops. `loads` is how many units this machine has loaded so far: a start that was
   * refused, because a required unit is not here, is tried again when that has grown.
   */
  launch(target: UnitTarget | undefined, loads: number): void {
    if (target === undefined || this.#unloading || this.#loaded !== target.hash) return;
    if (!target.launched) {
      this.#refusedAt = undefined;
      if (this.#launched !== undefined) this.#stop();
    } else if (this.#launched !== target.hash && this.#refusedAt !== loads) {
      this.#start(target.hash, loads);
    }
  }

  #start(hash: string, loads: number): void {
    this.#launched = hash;
    this.#refusedAt = undefined;
    this.#log.info("starting");
    // Told at once: a unit that is up already, or cannot be started at all, changes no state.
    this.#onLoaded(this.#name);
    this.#follow("start", this.#supervisor.start(this.#name), (result) => {
      if (result !== "missing" || this.#launched !== hash) return;
      this.#launched = undefined;
      this.#refusedAt = loads;
      this.#onLoaded(this.#name);
      this.#onSettled();
    });
  }

  #stop(): void {
    this.#launched = undefined;
    this.#log.info("stopping");
    this.#onLoaded(this.#name);
    this.#follow("stop", this.#supervisor.stop(this.#name), () => undefined);
  }

  #unload(): void {
    this.#unloading = true;
    this.#launched = undefined;
    this.#refusedAt = undefined;
    this.#log.info("unloading");
    this.#supervisor.unload(this.#name).then(
      () => {
        this.#unloading = false;
        this.#loaded = undefined;
        this.#onLoaded(this.#name);
        this.#onSettled();
      },
      (error: unknown) => {
        // Tried again with the next reconcile, not at once.
        this.#unloading = false;
        this.#log.warn({ reason: messageOf(error) }, "unload failed");
      },
    );
  }

  #follow(what: string, job: Promise<JobResult>, then: (result: JobResult) => void): void {
    job.then(
      (result) => {
        this.#log.info({ result }, `${what} ended`);
        then(result);
      },
      (error: unknown) => this.#log.warn({ reason: messageOf(error) }, `${what} failed`),
    );
  }
}
