import { GrpcChannel } from "./grpc-channel.js";

const EJECT_MS_MIN = 500;
const EJECT_MS_MAX = 10_000;

/** One server and what is known of its health. */
export interface Endpoint {
  readonly url: string;
  readonly channel: GrpcChannel;
  /** Not used before, unless all others are down too; 0 while it is well. */
  downUntil: number;
  ejectMs: number;
  /** When it last answered anything, in milliseconds of `performance.now()`; 0 for never. */
  answeredAt: number;
  /** The probe under way; all who want one share it. */
  probing: Promise<void> | null;
}

/** The servers of a client, taken in turn; one that fails is passed over for a while. */
export class Endpoints {
  readonly all: readonly Endpoint[];
  #turn: number;

  constructor(urls: readonly string[]) {
    this.all = urls.map((url) => ({
      url,
      channel: new GrpcChannel(addressOfUrl(url)),
      downUntil: 0,
      ejectMs: EJECT_MS_MIN,
      answeredAt: 0,
      probing: null,
    }));
    // Many clients that start together spread over the servers.
    this.#turn = Math.floor(Math.random() * urls.length);
  }

  /** The next that is well and not among `tried`; else the one that is down the shortest. */
  next(tried: ReadonlySet<Endpoint>): Endpoint {
    const now = performance.now();
    let best: Endpoint | undefined;
    for (let i = 0; i < this.all.length; i++) {
      const endpoint = this.all[(this.#turn + i) % this.all.length] as Endpoint;
      if (tried.has(endpoint) && tried.size < this.all.length) continue;
      if (endpoint.downUntil <= now) {
        this.#turn = (this.#turn + i + 1) % this.all.length;
        return endpoint;
      }
      if (best === undefined || endpoint.downUntil < best.downUntil) best = endpoint;
    }
    return best as Endpoint;
  }

  answered(endpoint: Endpoint): void {
    endpoint.answeredAt = performance.now();
    endpoint.downUntil = 0;
    endpoint.ejectMs = EJECT_MS_MIN;
  }

  /** Passed over for half a second, and twice as long each time up to ten seconds. */
  failed(endpoint: Endpoint): void {
    endpoint.downUntil = performance.now() + endpoint.ejectMs;
    endpoint.ejectMs = Math.min(EJECT_MS_MAX, endpoint.ejectMs * 2);
    endpoint.answeredAt = 0;
  }

  close(): void {
    for (const { channel } of this.all) channel.close();
  }
}

/** `host:port` of an endpoint given as a URL, as `etcd://host:port`, or bare. */
function addressOfUrl(url: string): string {
  return url.replace(/^[a-z]+:\/\//, "").replace(/\/+$/, "");
}
