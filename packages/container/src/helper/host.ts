import { setTimeout as delay } from "node:timers/promises";
import { ContainerError } from "../errors.js";
import { Helper, helperScript } from "./client.js";
import type { KeptThings } from "./kept.js";

const TAKE_OVER_PAUSE_MS = 20;

/** What a runtime's helpers are started with. */
export interface HelperHostOptions {
  /** Directories that the shared helper holds locked. */
  readonly locks: readonly string[];
  /** The runtime's own directory, where a helper waits for the next daemon. */
  readonly directory: string;
  /** How long it waits; 0: it does not. */
  readonly adoptMs: number;
  readonly graceMs: number;
  readonly lockWaitMs: number;
  readonly perl: string;
  /** The helper script; the one in this package when undefined. */
  readonly script: string | undefined;
}

/** Starts helpers: one for all sandboxes, or (without cgroups) one for each. */
export class HelperHost {
  readonly #options: HelperHostOptions;
  readonly #all = new Set<Helper>();
  readonly #notes = new Map<string, string>();
  #current: Helper | undefined;
  #starting: Promise<Helper> | undefined;

  constructor(options: HelperHostOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#current === undefined || this.#current.lost ? 0 : this.#current.pid;
  }

  /** True when what runs may outlive this daemon. */
  get outlives(): boolean {
    return this.#options.adoptMs > 0;
  }

  /** Keeps a value for the next daemon, in the shared helper; "" forgets it. */
  note(key: string, value: string): void {
    if (!this.outlives) return;
    // Kept here as well: a helper that is lost takes its notes along.
    if (value === "") this.#notes.delete(key);
    else this.#notes.set(key, value);
    this.#current?.note(key, value);
  }

  hold(ms: number): void {
    if (this.outlives) this.#current?.hold(ms);
  }

  /** Takes over what an earlier daemon left, or (where that is not wanted) ends it; then starts. */
  async open(): Promise<KeptThings | undefined> {
    const left = await this.#takeOver();
    if (left === undefined || this.#options.adoptMs === 0) {
      await left?.close();
      await this.shared();
      return undefined;
    }
    this.#own(left);
    this.#current = left;
    const kept = await left.adopt();
    for (const [key, value] of kept.notes) this.#notes.set(key, value);
    return kept;
  }

  /** The helper that holds the locks; started anew if it was lost. */
  async shared(): Promise<Helper> {
    if (this.#current !== undefined && !this.#current.lost) return this.#current;
    this.#starting ??= this.#start(true).finally(() => {
      this.#starting = undefined;
    });
    const helper = await this.#starting;
    if (this.#current !== helper) {
      this.#current = helper;
      for (const [key, value] of this.#notes) helper.note(key, value);
    }
    return helper;
  }

  /** A helper for one sandbox alone. */
  async single(): Promise<Helper> {
    return this.#start(false);
  }

  async close(): Promise<void> {
    await this.#starting?.catch(() => {});
    await Promise.all([...this.#all].map((helper) => helper.close()));
  }

  /** Lets the helpers go; they wait for another daemon. */
  async detach(): Promise<void> {
    await this.#starting?.catch(() => {});
    await Promise.all([...this.#all].map((helper) => helper.detach()));
  }

  async #start(shared: boolean): Promise<Helper> {
    const { locks, directory, adoptMs, graceMs, lockWaitMs, perl, script } = this.#options;
    const helper = await Helper.start({
      locks: shared ? locks : [],
      graceMs,
      lockWaitMs,
      perl,
      script: script ?? (await helperScript()),
      ...(shared && adoptMs > 0 && { adopt: { ms: adoptMs, directory } }),
    });
    this.#own(helper);
    return helper;
  }

  #own(helper: Helper): void {
    this.#all.add(helper);
    void helper.ended.then(() => this.#all.delete(helper));
  }

  /** The end of a daemon that was killed just now may not have come to its helper yet. */
  async #takeOver(): Promise<Helper | undefined> {
    const { directory, lockWaitMs } = this.#options;
    const deadline = performance.now() + lockWaitMs;
    for (;;) {
      try {
        return await Helper.takeOver(directory);
      } catch (error) {
        const busy = ContainerError.is(error) && error.code === "in-use";
        if (!busy || performance.now() > deadline) throw error;
        await delay(TAKE_OVER_PAUSE_MS);
      }
    }
  }
}
