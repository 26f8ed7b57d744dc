/** What of a view a follower has not seen yet. */
export interface UnseenChanges {
  /** The view was listed anew: whatever was known may be different. */
  readonly everything: boolean;
  /** Names of units whose file or desired state changed; or that are gone. */
  readonly units: ReadonlySet<string>;
  readonly machines: ReadonlySet<string>;
  /** Names of units whose place changed. */
  readonly schedule: ReadonlySet<string>;
}

/**
 * Gathers what changes in a view until somebody takes it. A name is held once, however often it
 * changes, so the bound is the number of names in the cluster.
 */
export class ViewChanges {
  #everything = true;
  #units = new Set<string>();
  #machines = new Set<string>();
  #schedule = new Set<string>();

  /** All since the last call. */
  take(): UnseenChanges {
    const taken = {
      everything: this.#everything,
      units: this.#units,
      machines: this.#machines,
      schedule: this.#schedule,
    };
    this.#everything = false;
    this.#units = new Set();
    this.#machines = new Set();
    this.#schedule = new Set();
    return taken;
  }

  /** Told by the view: a record of this kind and name is not as it was. */
  changed(kind: string, name: string): void {
    if (kind === "units" || kind === "desired") this.#units.add(name);
    else if (kind === "machines") this.#machines.add(name);
    else if (kind === "schedule") this.#schedule.add(name);
  }

  /** Told by the view: it was listed anew. */
  reset(): void {
    this.take();
    this.#everything = true;
  }
}
