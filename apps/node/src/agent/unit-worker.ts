import type { Supervisor } from "@flotilla/supervisor";
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
  readonly onLoaded: (name: string) => void;
}

/**
 * Brings one unit on this machine to where the cluster wants it. Loading and starting are apart,
 * so that all units are loaded before the first one that may require another is started. A unit
 * is started once for each content: what happens after that is its Restart= policy's business.
 */
export class UnitWorker {
  readonly #name: string;
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #onLoaded: (name: string) => void;
  #loaded: string | undefined;
  #launched: string | undefined;

  constructor(options: UnitWorkerOptions) {
    this.#name = options.name;
    this.#supervisor = options.supervisor;
    this.#log = options.log.child({ unit: options.name });
    this.#onLoaded = options.onLoaded;
  }

  get loaded(): LoadedUnit | undefined {
    const hash = this.#loaded;
    return hash === undefined ? undefined : { hash, launched: this.#launched === hash };
  }

  /** Loads, replaces or unloads. A replaced unit is stopped first and started by {@link launch}. */
  async prepare(target: UnitTarget | undefined): Promise<void> {
    if (this.#loaded === target?.hash) return;
    if (this.#loaded !== undefined) {
      this.#log.info("unloading");
      await this.#supervisor.unload(this.#name);
      this.#loaded = undefined;
      this.#launched = undefined;
      this.#onLoaded(this.#name);
    }
    if (target === undefined) return;
    this.#log.info({ hash: target.hash.slice(0, 7) }, "loading");
    await this.#supervisor.load(this.#name, target.content);
    this.#loaded = target.hash;
    this.#onLoaded(this.#name);
  }

  /** Starts or stops. A start is not waited for: it may last as long as the unit's TimeoutStartSec. */
  async launch(target: UnitTarget | undefined): Promise<void> {
    if (target === undefined || this.#loaded !== target.hash) return;
    if (target.launched && this.#launched !== target.hash) {
      this.#launched = target.hash;
      this.#log.info("starting");
      this.#supervisor.start(this.#name).then(
        (result) => this.#log.info({ result }, "start ended"),
        (error: unknown) => this.#log.warn({ reason: messageOf(error) }, "start failed"),
      );
    } else if (!target.launched && this.#launched !== undefined) {
      this.#launched = undefined;
      this.#log.info("stopping");
      await this.#supervisor.stop(this.#name);
    }
  }
}
