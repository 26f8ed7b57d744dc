import { isIP } from "node:net";
import { DiscoveryError } from "./errors.js";
import type { KeyValue } from "./key-value.js";
import { DEFAULT_DOMAIN, instanceKey, instanceLabel, labels } from "./keys.js";
import { DEFAULT_PRIORITY, DEFAULT_WEIGHT, type Protocol } from "./record.js";
import { Backoff, sleep } from "./store/backoff.js";
import { codeOf, withDeadline } from "./store/deadline.js";

const DEFAULT_TTL_SECONDS = 10;
const TTL_SECONDS_MAX = 86_400;
const CALL_TIMEOUT_MS = 5_000;
const TEXT_BYTES_MAX = 4_096;

export interface RegisterOptions {
  /** A DNS label; dots make deeper names. */
  readonly service: string;
  /** Unique within the service; any text. */
  readonly id: string;
  /** An IP address or a host name. */
  readonly host: string;
  readonly port: number;
  /** "tcp" by default. */
  readonly protocol?: Protocol;
  /** SRV priority: lower comes first; 10 by default. */
  readonly priority?: number;
  /** SRV weight: the share among equals; 100 by default. */
  readonly weight?: number;
  /** The endpoint is gone this long after its process died; 10 by default, renewed at a third. */
  readonly ttlSeconds?: number;
  /** Served as TXT; up to 4,096 bytes. */
  readonly text?: string;
  /** "flotilla.local" by default. */
  readonly domain?: string;
  /** The endpoint is in the store, for the first time or again. What it throws is ignored. */
  readonly onRegistered?: () => void;
  /** The lease was lost or could not be renewed in time; registration goes on by itself. */
  readonly onLost?: (reason: DiscoveryError) => void;
  /** Deregisters. */
  readonly signal?: AbortSignal;
}

/** An endpoint that is kept in the store until it is taken back. */
export interface Registration extends AsyncDisposable {
  readonly key: string;
  /** The endpoint is in the store, as far as this process can know. */
  readonly registered: boolean;
  /** Resolves when it is; rejects when it was deregistered before. */
  ready(): Promise<void>;
  /**
   * Takes the endpoint back by revoking its lease. Never rejects: when the store is away it waits
   * up to 5 s, and the lease ends by itself after its TTL.
   */
  deregister(): Promise<void>;
}

/**
 * Publishes an endpoint under a lease of its own and keeps it there: renewed at a third of the TTL,
 * granted and written anew when the lease is lost, tried again with waits of 0.1 to 5 s while the
 * store is away. Resolves after the first try, whether the store was there or not (`registered`
 * tells; `ready()` waits).
 *
 * @throws DiscoveryError "invalid-argument", before anything is written.
 * @example
 * ```ts
 * await using web = await register(store, { service: "web", id: "n1", host: "10.0.0.1", port: 80 });
 * ```
 */
export async function register(store: KeyValue, options: RegisterOptions): Promise<Registration> {
  const registration = new LeasedRegistration(store, options);
  await registration.firstTry;
  return registration;
}

class LeasedRegistration implements Registration {
  readonly key: string;
  readonly firstTry: Promise<void>;
  readonly #store: KeyValue;
  readonly #options: RegisterOptions;
  readonly #value: string;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #waiters = new Set<{ resolve: () => void; reject: (error: Error) => void }>();
  readonly #onAbort = (): void => void this.deregister();
  #firstTried: () => void = () => {};
  #lease: bigint | undefined;
  #registered = false;
  /** When the lease ends if nothing more is heard, by performance.now(). */
  #expiresAt = 0;
  #beatMs = 0;
  #deregistering: Promise<void> | undefined;

  constructor(store: KeyValue, options: RegisterOptions) {
    this.#store = store;
    this.#options = options;
    this.#value = recordOf(options);
    this.key = instanceKey(options.service, options.id, options.domain);
    this.firstTry = new Promise((resolve) => {
      this.#firstTried = resolve;
    });
    this.#done = this.#run();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted === true) this.#onAbort();
  }

  get registered(): boolean {
    return this.#registered;
  }

  ready(): Promise<void> {
    if (this.#registered) return Promise.resolve();
    if (this.#stop.signal.aborted) return Promise.reject(deregistered(this.key));
    return new Promise((resolve, reject) => this.#waiters.add({ resolve, reject }));
  }

  deregister(): Promise<void> {
    this.#deregistering ??= this.#end();
    return this.#deregistering;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.deregister();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const backoff = new Backoff((this.#options.ttlSeconds ?? DEFAULT_TTL_SECONDS) * 1_000);
    while (!signal.aborted) {
      try {
        if (this.#registered) await this.#renew();
        else await this.#publish();
        backoff.reset();
        this.#firstTried();
        await sleep(this.#beatMs, signal);
      } catch (error) {
        this.#firstTried();
        if (signal.aborted) break;
        this.#judge(error);
        // A lost lease is replaced at once; the wait is for a store that is away.
        if (codeOf(error) !== "lease-lost") await backoff.wait(signal);
      }
    }
    this.#firstTried();
  }

  async #publish(): Promise<void> {
    const { ttlSeconds = DEFAULT_TTL_SECONDS } = this.#options;
    // A lease whose put failed is used again while it lasts: it may hold the key already.
    if (this.#lease === undefined || performance.now() >= this.#expiresAt) {
      const started = performance.now();
      const { id, ttl } = await this.#call((signal) =>
        this.#store.leaseGrant(ttlSeconds, { signal }),
      );
      this.#lease = id;
      this.#expiresAt = started + ttl * 1_000;
      this.#beatMs = (ttl * 1_000) / 3;
    }
    const lease = this.#lease;
    try {
      await this.#call((signal) => this.#store.put(this.key, this.#value, { lease, signal }));
    } catch (error) {
      if (causeCode(error) === "lease-not-found") this.#lease = undefined;
      throw error;
    }
    this.#registered = true;
    this.#tell(() => this.#options.onRegistered?.());
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters.clear();
  }

  async #renew(): Promise<void> {
    const started = performance.now();
    const lease = this.#lease!;
    const remaining = await this.#call((signal) => this.#store.leaseKeepAlive(lease, { signal }));
    if (remaining <= 0) throw lost(this.key, "its lease has ended");
    this.#expiresAt = started + remaining * 1_000;
  }

  /** Decides whether a failed beat means that the endpoint is gone. */
  #judge(error: unknown): void {
    if (!this.#registered) return;
    if (DiscoveryError.is(error) && error.code === "lease-lost") this.#forget(error);
    else if (causeCode(error) === "lease-not-found") {
      this.#forget(lost(this.key, "the store knows its lease no more", error));
    } else if (performance.now() >= this.#expiresAt) {
      this.#forget(lost(this.key, "its lease could not be renewed in time", error));
    }
  }

  #forget(reason: DiscoveryError): void {
    this.#registered = false;
    this.#lease = undefined;
    this.#tell(() => this.#options.onLost?.(reason));
  }

  async #end(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#stop.abort();
    await this.#done;
    this.#registered = false;
    for (const { reject } of this.#waiters) reject(deregistered(this.key));
    this.#waiters.clear();
    const lease = this.#lease;
    if (lease === undefined) return;
    try {
      await withDeadline(CALL_TIMEOUT_MS, undefined, (signal) =>
        this.#store.leaseRevoke(lease, { signal }),
      );
    } catch {
      // The store is away or the lease has ended: either way the endpoint goes by itself.
    }
  }

  #call<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(CALL_TIMEOUT_MS, this.#stop.signal, call);
  }

  /** A listener's fault is its own: it must not end the heartbeat. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch {
      // Documented on the options.
    }
  }
}

function lost(key: string, why: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError("lease-lost", `The registration ${key} was lost: ${why}.`, { cause });
}

function deregistered(key: string): DiscoveryError {
  return new DiscoveryError("lease-lost", `The registration ${key} was taken back.`);
}

function causeCode(error: unknown): unknown {
  return codeOf(error instanceof Error ? error.cause : undefined);
}

/** SkyDNS's JSON; `id` and `protocol` are ours, and others ignore them. */
function recordOf(options: RegisterOptions): string {
  const { service, id, host, port, protocol = "tcp", text, domain = DEFAULT_DOMAIN } = options;
  const { priority = DEFAULT_PRIORITY, weight = DEFAULT_WEIGHT } = options;
  const { ttlSeconds = DEFAULT_TTL_SECONDS } = options;
  labels(service, "service");
  labels(domain, "domain");
  if (isIP(host) === 0) labels(host, "host");
  checkInteger("port", port, 1, 65_535);
  checkInteger("priority", priority, 1, 65_535);
  checkInteger("weight", weight, 1, 65_535);
  checkInteger("ttlSeconds", ttlSeconds, 1, TTL_SECONDS_MAX);
  if (text !== undefined && Buffer.byteLength(text) > TEXT_BYTES_MAX) {
    throw new DiscoveryError("invalid-argument", `text has more than ${TEXT_BYTES_MAX} bytes.`);
  }
  return JSON.stringify({
    host,
    port,
    priority,
    weight,
    ttl: ttlSeconds,
    ...(text === undefined ? {} : { text }),
    protocol,
    ...(instanceLabel(id) === id ? {} : { id }),
  });
}

function checkInteger(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const range = `an integer from ${min} to ${max}`;
  throw new DiscoveryError("invalid-argument", `${what} is ${value}, but must be ${range}.`);
}
