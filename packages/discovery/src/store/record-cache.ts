import type { KeyValue } from "../key-value.js";
import { keyOf, parseRecord, type ServiceRecord, type StoredPair } from "../record.js";
import { Backoff, sleep } from "./backoff.js";
import { codeOf, withDeadline } from "./deadline.js";

/** The longest that listing may take, and how often an idle store is asked whether it is there. */
const LIST_TIMEOUT_MS = 10_000;
const PROBE_EVERY_MS = 5_000;
const PROBE_TIMEOUT_MS = 2_000;

/** A record with what the store adds to it. */
export interface CachedRecord extends ServiceRecord {
  /** The key goes away by itself when its lease ends. */
  readonly leased: boolean;
}

/**
 * All records below a prefix, kept as the store has them: a list, then every change since, and a
 * new list when changes were missed (compaction) or the store was away. While it is away the last
 * known records stay, and `current` is false. Fresh objects replace changed records, so that two
 * states can be compared cheaply.
 *
 * The only thing that grows is the records themselves.
 */
export class RecordCache implements AsyncDisposable {
  readonly #store: KeyValue;
  readonly #prefix: string;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #backoff = new Backoff();
  #records = new Map<string, CachedRecord>();
  #revision = 0;
  #listed = false;
  #current = false;
  #confirmedAt = Number.NEGATIVE_INFINITY;

  /** `onChange` is told of changed records and of `current` turning, never twice for the same. */
  constructor(store: KeyValue, prefix: string, onChange: () => void) {
    this.#store = store;
    this.#prefix = prefix;
    this.#onChange = onChange;
    this.#done = this.#run();
  }

  get records(): ReadonlyMap<string, CachedRecord> {
    return this.#records;
  }

  /** The store's revision that the records are of. */
  get revision(): number {
    return this.#revision;
  }

  /** True once there was a first list. */
  get listed(): boolean {
    return this.#listed;
  }

  /** The store answers: the records are what it has. */
  get current(): boolean {
    return this.#current;
  }

  /** How long ago the store last said that the records are current; 0 while it does. */
  get ageMs(): number {
    return this.#current ? 0 : performance.now() - this.#confirmedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#list();
        await this.#follow();
      } catch (error) {
        // Missed changes are no outage: the list follows at once, unless that fails as well.
        if (codeOf(error) !== "compacted") this.#away();
      }
      if (!signal.aborted) await this.#backoff.wait(signal);
    }
  }

  async #list(): Promise<void> {
    const { kvs, revision } = await withDeadline(LIST_TIMEOUT_MS, this.#stop.signal, (signal) =>
      this.#store.range(this.#prefix, { prefix: true, signal }),
    );
    const before = this.#records;
    const now = new Map<string, CachedRecord>();
    let changed = !this.#listed;
    for (const pair of kvs) {
      const record = parse(pair);
      if (record === undefined) continue;
      const key = keyOf(pair);
      const known = before.get(key);
      const same = known !== undefined && JSON.stringify(known) === JSON.stringify(record);
      now.set(key, same ? known : record);
      changed ||= !same;
    }
    changed ||= now.size !== before.size;
    this.#records = now;
    this.#revision = revision;
    this.#listed = true;
    this.#here(changed);
  }

  /** Applies changes until the watch ends. Probes tell when the store is away though it does not. */
  async #follow(): Promise<void> {
    const following = new AbortController();
    const stop = (): void => following.abort();
    this.#stop.signal.addEventListener("abort", stop, { once: true });
    const probing = this.#probe(following.signal);
    try {
      const options = { prefix: true, startRevision: this.#revision + 1 } as const;
      const watch = this.#store.watch(this.#prefix, { ...options, signal: following.signal });
      for await (const { revision, events } of watch) {
        if (following.signal.aborted) return;
        this.#backoff.reset();
        let changed = false;
        for (const { type, kv } of events) changed = this.#apply(type, kv) || changed;
        this.#revision = Math.max(this.#revision, revision);
        this.#here(changed);
      }
    } finally {
      stop();
      this.#stop.signal.removeEventListener("abort", stop);
      await probing;
    }
  }

  #apply(type: "put" | "delete", kv: StoredPair): boolean {
    const key = keyOf(kv);
    const record = type === "put" ? parse(kv) : undefined;
    if (record === undefined) return this.#records.delete(key);
    const known = this.#records.get(key);
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(record)) return false;
    this.#records.set(key, record);
    return true;
  }

  async #probe(signal: AbortSignal): Promise<void> {
    // No such key: the answer is empty and cheap however many records there are.
    const nowhere = `${this.#prefix}/`;
    for (;;) {
      await sleep(PROBE_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await withDeadline(PROBE_TIMEOUT_MS, signal, (each) =>
          this.#store.range(nowhere, { prefix: true, signal: each }),
        );
        if (signal.aborted) return;
        this.#backoff.reset();
        this.#here(false);
      } catch {
        if (!signal.aborted) this.#away();
      }
    }
  }

  #here(changed: boolean): void {
    const turned = !this.#current;
    this.#current = true;
    this.#confirmedAt = performance.now();
    if (changed || turned) this.#onChange();
  }

  #away(): void {
    if (!this.#current || this.#stop.signal.aborted) return;
    this.#current = false;
    this.#onChange();
  }
}

function parse(pair: StoredPair): CachedRecord | undefined {
  const record = parseRecord(pair.value);
  return record === undefined ? undefined : { ...record, leased: pair.lease !== 0n };
}
