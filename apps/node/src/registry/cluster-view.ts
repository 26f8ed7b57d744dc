import type { KeyValue, KeyValuePair } from "@flotilla/kv";
import { sleep } from "../sleep.js";
import { type RegistryKeys, splitKey } from "./keys.js";
import { decodeRecord, type Records } from "./records.js";
import { ViewChanges } from "./view-changes.js";

/** A record with the revisions that guard writes based on it. */
export interface Versioned<T> {
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface ClusterViewOptions {
  readonly store: KeyValue;
  readonly keys: RegistryKeys;
  /** First and longest pause before the store is asked again, milliseconds; 100 and 1,000. */
  readonly retryMs?: { readonly first: number; readonly max: number };
  readonly onError?: (error: unknown) => void;
}

type Listener = () => void;

/** How far the watch may lag behind a write before its writer is told, milliseconds. */
const REACH_MS = 5_000;

/**
 * The cluster's registry as this node knows it: one linearizable listing, then every change in
 * order. While the store is away the last known view stands, and `connected` tells so; decisions
 * that need the newest state ask for {@link ClusterView.refresh}.
 */
export class ClusterView implements AsyncDisposable {
  readonly units: Map<string, Versioned<Records["unit"]>> = new Map();
  readonly desired: Map<string, Versioned<Records["desired"]>> = new Map();
  readonly schedule: Map<string, Versioned<Records["schedule"]>> = new Map();
  readonly machines: Map<string, Versioned<Records["machine"]>> = new Map();
  /** Unit name → machine ID → state. */
  readonly states: Map<string, Map<string, Versioned<Records["state"]>>> = new Map();
  engine: Versioned<string> | undefined;
  revision = 0;
  /** A watch goes on. It may do so although the store is silent: heartbeats tell that. */
  connected = false;
  /** There was a first listing: what the view shows was true once. */
  listed = false;

  readonly #options: ClusterViewOptions;
  readonly #listeners = new Set<Listener>();
  readonly #followers: ViewChanges[] = [];
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #listedRevision = 0;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Calls back after every change, and when the connection comes or goes. Returns how to stop. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For somebody who wants to know what changed, not only that something did; for good. */
  follow(): ViewChanges {
    const changes = new ViewChanges();
    this.#followers.push(changes);
    return changes;
  }

  /** Lists again, so that the view holds everything written before this call. */
  async refresh(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { store, keys } = this.#options;
    const listing = await store.range(keys.prefix, { prefix: true, ...options });
    if (listing.revision >= this.revision) this.#reset(listing.kvs, listing.revision);
  }

  /** Resolves once the view has seen `revision`, e.g. that of a write of one's own; rejects after 5 s. */
  async reaches(
    revision: number,
    signal: AbortSignal = AbortSignal.timeout(REACH_MS),
  ): Promise<void> {
    if (this.connected && this.revision >= revision) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (): void => {
        stop();
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        finish();
        reject(signal.reason as Error);
      };
      const stop = this.onChange(() => {
        if (!this.connected || this.revision < revision) return;
        finish();
        resolve();
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { first, max } = this.#options.retryMs ?? { first: 100, max: 1_000 };
    let pause = first;
    while (!this.#abort.signal.aborted) {
      try {
        await this.#follow(() => {
          pause = first;
        });
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        this.#options.onError?.(error);
      }
      this.connected = false;
      this.#tell();
      await sleep(pause, this.#abort.signal);
      pause = Math.min(pause * 2, max);
    }
  }

  /** Lists, then watches until the watch ends or fails. */
  async #follow(onListed: () => void): Promise<void> {
    const { store, keys } = this.#options;
    const signal = this.#abort.signal;
    let listing = await store.range(keys.prefix, { prefix: true, signal });
    // A refresh may have run ahead of this listing. A store that was restored is behind for good.
    if (listing.revision < this.revision) {
      listing = await store.range(keys.prefix, { prefix: true, signal });
    }
    this.#reset(listing.kvs, listing.revision);
    onListed();
    const batches = store.watch(keys.prefix, {
      prefix: true,
      startRevision: listing.revision + 1,
      progressNotify: true,
      signal,
    });
    for await (const batch of batches) {
      for (const event of batch.events) {
        // A refresh may have run ahead of the watch: what it listed already is not taken twice.
        if (event.kv.modRevision <= this.#listedRevision) continue;
        if (event.type === "put") this.#put(event.kv);
        else this.#delete(event.kv.key);
      }
      this.revision = Math.max(this.revision, batch.revision);
      this.connected = true;
      this.#tell();
    }
  }

  #reset(kvs: readonly KeyValuePair[], revision: number): void {
    for (const map of [this.units, this.desired, this.schedule, this.machines, this.states]) {
      map.clear();
    }
    this.engine = undefined;
    for (const kv of kvs) this.#put(kv);
    for (const follower of this.#followers) follower.reset();
    this.#listedRevision = revision;
    this.revision = revision;
    this.connected = true;
    this.listed = true;
    this.#tell();
  }

  #put(kv: KeyValuePair): void {
    const [kind, name, machine] = this.#split(kv.key);
    const versions = { createRevision: kv.createRevision, modRevision: kv.modRevision };
    if (kind === "engine") {
      this.engine = { value: Buffer.from(kv.value).toString("utf8"), ...versions };
      return;
    }
    if (name === undefined) return;
    for (const follower of this.#followers) follower.changed(kind ?? "", name);
    switch (kind) {
      case "units":
        remember(this.units, name, decodeRecord("unit", kv.value), versions);
        break;
      case "desired":
        remember(this.desired, name, decodeRecord("desired", kv.value), versions);
        break;
      case "schedule":
        remember(this.schedule, name, decodeRecord("schedule", kv.value), versions);
        break;
      case "machines":
        remember(this.machines, name, decodeRecord("machine", kv.value), versions);
        break;
      case "states": {
        if (machine === undefined) return;
        let byMachine = this.states.get(name);
        if (byMachine === undefined) {
          byMachine = new Map();
          this.states.set(name, byMachine);
        }
        remember(byMachine, machine, decodeRecord("state", kv.value), versions);
      }
    }
  }

  #delete(key: Uint8Array): void {
    const [kind, name, machine] = this.#split(key);
    if (kind === "engine") this.engine = undefined;
    if (name === undefined) return;
    for (const follower of this.#followers) follower.changed(kind ?? "", name);
    if (kind === "units") this.units.delete(name);
    else if (kind === "desired") this.desired.delete(name);
    else if (kind === "schedule") this.schedule.delete(name);
    else if (kind === "machines") this.machines.delete(name);
    else if (kind === "states" && machine !== undefined) {
      const byMachine = this.states.get(name);
      byMachine?.delete(machine);
      if (byMachine?.size === 0) this.states.delete(name);
    }
  }

  #split(key: Uint8Array): readonly string[] {
    return splitKey(this.#options.keys, Buffer.from(key).toString("utf8"));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function remember<T>(
  map: Map<string, Versioned<T>>,
  name: string,
  value: T | undefined,
  versions: { createRevision: number; modRevision: number },
): void {
  if (value === undefined) map.delete(name);
  else map.set(name, { value, ...versions });
}
