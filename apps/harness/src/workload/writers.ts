import { connect } from "@flotilla/kv/client";

export interface WritersOptions {
  readonly endpoints: readonly string[];
  /** Writers at once, each with one write under way. */
  readonly writers: number;
}

/** What came of a write as its writer saw it. */
export type Outcome = "acknowledged" | "uncertain";

/**
 * Writers that put each key once and never again: an acknowledged key must be there at the end,
 * and no key may have a version above 1, for that would be a write applied twice.
 */
export class Writers {
  readonly outcomes: Map<string, Outcome> = new Map();
  readonly #options: WritersOptions;
  readonly #abort = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: WritersOptions) {
    this.#options = options;
  }

  start(): void {
    const { writers } = this.#options;
    this.#running = Promise.all(Array.from({ length: writers }, (_, i) => this.#write(i)));
  }

  /** Writes that were acknowledged so far. */
  get acknowledged(): number {
    let count = 0;
    for (const outcome of this.outcomes.values()) if (outcome === "acknowledged") count++;
    return count;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #write(writer: number): Promise<void> {
    await using client = connect({ endpoints: this.#options.endpoints });
    for (let i = 0; !this.#abort.signal.aborted; i++) {
      const key = `load/${writer}/${i}`;
      this.outcomes.set(key, "uncertain");
      try {
        await client.put(key, `${writer}:${i}`, { signal: AbortSignal.timeout(3_000) });
        this.outcomes.set(key, "acknowledged");
      } catch {
        // Not acknowledged: it may or may not be there. A pause keeps a dead cluster from being flooded.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

export interface Audit {
  readonly acknowledged: number;
  readonly uncertain: number;
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  readonly hashes: readonly { readonly endpoint: string; readonly hash: number }[];
  readonly revision: number;
}

/** Compares what the writers saw with what is there, and every member's hash at one revision. */
export async function audit(writers: Writers, endpoints: readonly string[]): Promise<Audit> {
  await using client = connect({ endpoints });
  const { kvs, revision } = await client.range("load/", { prefix: true });
  const versions = new Map(kvs.map(({ key, version }) => [Buffer.from(key).toString(), version]));
  const lost: string[] = [];
  let acknowledged = 0;
  for (const [key, outcome] of writers.outcomes) {
    if (outcome !== "acknowledged") continue;
    acknowledged++;
    if (!versions.has(key)) lost.push(key);
  }
  const twice = [...versions].filter(([, version]) => version > 1).map(([key]) => key);
  const hashes = await Promise.all(
    endpoints.map(async (endpoint) => {
      await using one = connect({ endpoints: [endpoint] });
      // A linearizable read: the member has caught up to the revision it is asked about.
      await one.range("load/", { prefix: true, countOnly: true });
      const { hash } = await one.hashKv(endpoint, revision);
      return { endpoint, hash };
    }),
  );
  const uncertain = writers.outcomes.size - acknowledged;
  return { acknowledged, uncertain, lost, twice, hashes, revision };
}
