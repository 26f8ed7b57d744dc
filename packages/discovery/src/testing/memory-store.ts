import type { KeyValue } from "../key-value.js";

type Batch = ReturnType<KeyValue["watch"]> extends AsyncIterable<infer Each> ? Each : never;
type Pair = Batch["events"][number]["kv"];

const encoder = new TextEncoder();

/** So many changes are kept for watches; older ones count as compacted. */
const HISTORY_MAX = 10_000;

/**
 * A store in memory for tests of what builds on discovery: it can be taken away, hang, end leases,
 * compact, and counts what it is asked. Leases end when `expire` says so, never by time.
 *
 * @example
 * ```ts
 * const store = new MemoryStore();
 * const registration = await register(store, { service: "web", id: "a", host: "10.0.0.1", port: 80 });
 * store.available = false; // and see what your program does
 * ```
 */
export class MemoryStore implements KeyValue {
  #available = true;
  /** Every call hangs, heeding no signal. */
  hanging = false;
  /** Method → how often it was called. */
  readonly calls: Record<string, number> = {};
  readonly #pairs = new Map<string, Pair>();
  readonly #history: { readonly revision: number; readonly key: string; readonly batch: Batch }[] =
    [];
  readonly #leases = new Map<bigint, number>();
  readonly #wakers = new Set<() => void>();
  #revision = 1;
  #compacted = 0;
  #lastLease = 0n;
  #brokenWatches = 0;

  /** Every call fails while false; watches break when it turns so. */
  get available(): boolean {
    return this.#available;
  }

  set available(value: boolean) {
    this.#available = value;
    if (!value) this.breakWatches();
  }

  /** Leases that have not ended. */
  get leases(): readonly bigint[] {
    return [...this.#leases.keys()];
  }

  /** All keys, sorted. */
  keys(): string[] {
    return [...this.#pairs.keys()].sort();
  }

  /** The value of a key as JSON. */
  value(key: string): unknown {
    return JSON.parse(new TextDecoder().decode(this.#pairs.get(key)?.value));
  }

  /** All watches fail now. */
  breakWatches(): void {
    this.#brokenWatches += 1;
    this.#wake();
  }

  /** History up to now is gone: a watch from before fails. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  /** As if the lease had run out. */
  expire(lease: bigint): void {
    this.#leases.delete(lease);
    for (const [key, pair] of this.#pairs) if (pair.lease === lease) this.#change("delete", key);
  }

  async range(
    prefix: string,
    _options?: unknown,
  ): Promise<{ revision: number; kvs: readonly Pair[] }> {
    await this.#called("range");
    const kvs = this.keys()
      .filter((key) => key.startsWith(prefix))
      .map((key) => this.#pairs.get(key)!);
    return { revision: this.#revision, kvs };
  }

  async put(key: string, value: string, options: { lease?: bigint } = {}): Promise<void> {
    await this.#called("put");
    const { lease = 0n } = options;
    if (lease !== 0n && !this.#leases.has(lease)) throw coded("lease-not-found");
    this.#change("put", key, value, lease);
  }

  async delete(key: string): Promise<void> {
    await this.#called("delete");
    if (this.#pairs.has(key)) this.#change("delete", key);
  }

  async *watch(
    prefix: string,
    { startRevision, signal }: { startRevision: number; signal: AbortSignal },
  ): AsyncGenerator<Batch> {
    await this.#called("watch");
    const broken = this.#brokenWatches;
    if (startRevision <= this.#compacted) throw coded("compacted");
    for (let at = startRevision; !signal.aborted; ) {
      if (this.#brokenWatches !== broken) throw coded("unavailable");
      const next = this.#history.find(
        ({ revision, key }) => revision >= at && key.startsWith(prefix),
      );
      if (next === undefined) await this.#changed(signal);
      else {
        at = next.revision + 1;
        yield next.batch;
      }
    }
  }

  async leaseGrant(ttl: number): Promise<{ id: bigint; ttl: number }> {
    await this.#called("leaseGrant");
    this.#lastLease += 1n;
    this.#leases.set(this.#lastLease, ttl);
    return { id: this.#lastLease, ttl };
  }

  async leaseKeepAlive(id: bigint): Promise<number> {
    await this.#called("leaseKeepAlive");
    const ttl = this.#leases.get(id);
    if (ttl === undefined) throw coded("lease-not-found");
    return ttl;
  }

  async leaseRevoke(id: bigint): Promise<void> {
    await this.#called("leaseRevoke");
    if (!this.#leases.has(id)) throw coded("lease-not-found");
    this.expire(id);
  }

  async #called(method: string): Promise<void> {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    if (this.hanging) await new Promise(() => {});
    if (!this.#available) throw coded("unavailable");
  }

  #change(type: "put" | "delete", key: string, value = "", lease = 0n): void {
    const modRevision = ++this.#revision;
    const kv = { key: encoder.encode(key), value: encoder.encode(value), lease, modRevision };
    if (type === "put") this.#pairs.set(key, kv);
    else this.#pairs.delete(key);
    const batch = { revision: modRevision, events: [{ type, kv }] };
    this.#history.push({ revision: modRevision, key, batch });
    const oldest = this.#history.length > HISTORY_MAX ? this.#history.shift() : undefined;
    if (oldest !== undefined) this.#compacted = Math.max(this.#compacted, oldest.revision);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wakers.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
