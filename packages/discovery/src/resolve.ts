import type { KeyValue } from "./key-value.js";
import { DEFAULT_DOMAIN, servicePrefix } from "./keys.js";
import { type Endpoint, endpointsOf, keyOf, parseRecord, type ServiceRecord } from "./record.js";
import { withDeadline } from "./store/deadline.js";

const TIMEOUT_MS = 5_000;

export interface ResolveOptions {
  /** "flotilla.local" by default. */
  readonly domain?: string;
  readonly signal?: AbortSignal;
}

/**
 * The endpoints of a service now, by priority, then key: one read of the store. Those who ask again
 * and again use `watchService`.
 *
 * @throws DiscoveryError "store-unavailable" after 5 s at the latest; "invalid-argument".
 */
export async function resolve(
  store: KeyValue,
  service: string,
  { domain = DEFAULT_DOMAIN, signal }: ResolveOptions = {},
): Promise<readonly Endpoint[]> {
  const prefix = servicePrefix(service, domain);
  const { kvs } = await withDeadline(TIMEOUT_MS, signal, (each) =>
    store.range(prefix, { prefix: true, signal: each }),
  );
  const records: [string, ServiceRecord][] = [];
  for (const pair of kvs) {
    const record = parseRecord(pair.value);
    if (record !== undefined) records.push([keyOf(pair), record]);
  }
  return endpointsOf(service, records);
}
