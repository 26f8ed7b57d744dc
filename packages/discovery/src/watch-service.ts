import type { KeyValue } from "./key-value.js";
import { DEFAULT_DOMAIN, servicePrefix } from "./keys.js";
import { type Endpoint, endpointsOf } from "./record.js";
import { RecordCache } from "./store/record-cache.js";

export interface WatchServiceOptions {
  readonly signal?: AbortSignal;
  /** "flotilla.local" by default. */
  readonly domain?: string;
}

/** All endpoints of a service at one moment. */
export interface ServiceSnapshot {
  readonly service: string;
  /** By priority, then key. */
  readonly endpoints: readonly Endpoint[];
  /** The store's revision. */
  readonly revision: number;
  /** True while the store is away: these are the last that it told. */
  readonly stale: boolean;
  /** How long ago the store last confirmed them, in milliseconds; 0 unless stale. */
  readonly ageMs: number;
}

/**
 * Follows a service: the endpoints as soon as the store tells them, then again whenever they change
 * or the store goes away or comes back (`stale`). Nothing is told twice. A reader that is slow gets
 * the newest state when it asks, never a queue of old ones. Ends when `signal` aborts or the loop is
 * left; it never throws for a store that is away.
 *
 * @throws DiscoveryError "invalid-argument" at once.
 * @example
 * ```ts
 * for await (const { endpoints, stale } of watchService(store, "web", { signal })) {
 *   balancer.use(endpoints);
 *   if (stale) log.warn("the store is away: going on with what is known");
 * }
 * ```
 */
export function watchService(
  store: KeyValue,
  service: string,
  { signal, domain = DEFAULT_DOMAIN }: WatchServiceOptions = {},
): AsyncIterable<ServiceSnapshot> {
  const prefix = servicePrefix(service, domain);
  return { [Symbol.asyncIterator]: () => snapshots(store, service, prefix, signal) };
}

async function* snapshots(
  store: KeyValue,
  service: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServiceSnapshot> {
  const ended = (): boolean => signal?.aborted === true;
  if (ended()) return;
  let wake: () => void = () => {};
  let changed = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const onAbort = (): void => wake();
  signal?.addEventListener("abort", onAbort, { once: true });
  await using cache = new RecordCache(store, prefix, () => wake());
  try {
    for (let told = ""; ; ) {
      await changed;
      if (ended()) return;
      changed = new Promise((resolve) => {
        wake = resolve;
      });
      const next = snapshotOf(service, cache);
      const now = JSON.stringify([next.endpoints, next.stale]);
      if (!cache.listed || now === told) continue;
      told = now;
      yield next;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

function snapshotOf(service: string, cache: RecordCache): ServiceSnapshot {
  return {
    service,
    endpoints: endpointsOf(service, cache.records),
    revision: cache.revision,
    stale: !cache.current,
    ageMs: cache.ageMs,
  };
}
