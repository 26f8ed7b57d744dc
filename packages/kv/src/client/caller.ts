import type { Buffer } from "node:buffer";
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { KvError } from "../api/errors.js";
import { encode, writeRangeRequest } from "../codec/index.js";
import type { Endpoint } from "./endpoints.js";
import { Endpoints } from "./endpoints.js";
import type { CallFailure, CallSettings, GrpcChannel } from "./grpc-channel.js";

/** A server that has answered within this many milliseconds is taken to be alive. */
const FRESH_MS = 500;
const PROBE_TIMEOUT_MS = 700;
/** Between two rounds over all endpoints, doubling, with jitter. */
const BACKOFF_MS_MIN = 25;
const BACKOFF_MS_MAX = 500;
/** The least time that an attempt gets before the next server is asked. */
const ATTEMPT_MS_MIN = 1000;

/** Asks next to nothing, of the server alone: whoever answers it, even with an error, is alive. */
const PROBE = encode(writeRangeRequest, {
  key: Uint8Array.of(0),
  countOnly: true,
  serializable: true,
});

/** How a call may be repeated. */
export interface Repeat {
  /** True: on any failure of the server. False: only when it certainly was not executed. */
  readonly idempotent: boolean;
}

/**
 * Makes calls on whichever server is well, by etcd's rules: what can be repeated is tried on
 * the next one until the deadline; a write is repeated only when it certainly was not executed.
 * Since a write to a server that hangs cannot be, one that has not answered anything for half a second
 * is asked for a sign of life first.
 */
export class Caller {
  readonly endpoints: Endpoints;
  readonly timeoutMs: number;
  readonly #closing = new AbortController();

  constructor(urls: readonly string[], timeoutMs: number) {
    this.endpoints = new Endpoints(urls);
    this.timeoutMs = timeoutMs;
    // Every watch listens.
    setMaxListeners(0, this.#closing.signal);
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async unary(
    path: string,
    request: Buffer,
    options: Repeat & { readonly signal?: AbortSignal | undefined },
  ): Promise<Buffer> {
    return await this.run(options, (channel, settings) => channel.unary(path, request, settings));
  }

  /** Rejects with KvError. */
  async run<T>(
    options: Repeat & { readonly signal?: AbortSignal | undefined },
    call: (channel: GrpcChannel, settings: CallSettings) => Promise<T>,
  ): Promise<T> {
    const { signal } = options;
    const deadline = performance.now() + this.timeoutMs;
    const tried = new Set<Endpoint>();
    for (let backoffMs = BACKOFF_MS_MIN; ; ) {
      this.#checkOpen();
      const endpoint = this.endpoints.next(tried);
      const left = Math.max(1, deadline - performance.now());
      const failure = await this.#attempt(endpoint, left, options, call);
      if ("value" in failure) return failure.value;
      const { error, unexecuted, permanent } = failure;
      const may = unexecuted || (options.idempotent && error.status === "Unavailable");
      if (permanent || !may || performance.now() >= deadline) throw error;
      tried.add(endpoint);
      if (tried.size < this.endpoints.all.length) continue;
      tried.clear();
      await this.#pause(backoffMs, signal);
      if (performance.now() >= deadline) throw error;
      backoffMs = Math.min(BACKOFF_MS_MAX, backoffMs * 2);
    }
  }

  async #attempt<T>(
    endpoint: Endpoint,
    left: number,
    options: Repeat & { readonly signal?: AbortSignal | undefined },
    call: (channel: GrpcChannel, settings: CallSettings) => Promise<T>,
  ): Promise<{ readonly value: T } | CallFailure> {
    const others = this.endpoints.all.length > 1;
    const attemptMs =
      options.idempotent && others ? Math.min(left, Math.max(ATTEMPT_MS_MIN, left * 0.4)) : left;
    try {
      if (!options.idempotent && others) await this.probe(endpoint);
      const { signal } = options;
      const value = await call(endpoint.channel, { timeoutMs: attemptMs, signal });
      this.endpoints.answered(endpoint);
      return { value };
    } catch (thrown) {
      const failure = toCallFailure(thrown);
      if (failure.endpointDown) this.endpoints.failed(endpoint);
      else if (failure.error.code !== "cancelled") this.endpoints.answered(endpoint);
      return failure;
    }
  }

  /** Resolves when the server is alive; rejects with a {@link CallFailure} of a call that was not made. */
  async probe(endpoint: Endpoint): Promise<void> {
    if (performance.now() - endpoint.answeredAt < FRESH_MS) return;
    endpoint.probing ??= this.#probe(endpoint).finally(() => {
      endpoint.probing = null;
    });
    await endpoint.probing;
  }

  async #probe(endpoint: Endpoint): Promise<void> {
    try {
      await endpoint.channel.unary("/etcdserverpb.KV/Range", PROBE, {
        timeoutMs: PROBE_TIMEOUT_MS,
      });
    } catch (thrown) {
      const failure = toCallFailure(thrown);
      if (failure.endpointDown) throw { ...failure, unexecuted: true } satisfies CallFailure;
    }
    this.endpoints.answered(endpoint);
  }

  /** Of a single server, without repetition. */
  async at(url: string, path: string, request: Buffer, signal?: AbortSignal): Promise<Buffer> {
    this.#checkOpen();
    const endpoint = this.endpoints.all.find((one) => one.url === url);
    if (endpoint === undefined)
      throw new KvError("unavailable", `${url} is no endpoint of this client`);
    try {
      return await endpoint.channel.unary(path, request, { timeoutMs: this.timeoutMs, signal });
    } catch (thrown) {
      throw toCallFailure(thrown).error;
    }
  }

  close(): void {
    this.#closing.abort();
    this.endpoints.close();
  }

  /** Aborted when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  #checkOpen(): void {
    if (this.closed) throw new KvError("cancelled", "the client is closed");
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const jittered = ms * (0.5 + Math.random());
    try {
      await sleep(jittered, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw new KvError("cancelled", "the call was aborted", { cause });
    }
  }
}

function toCallFailure(thrown: unknown): CallFailure {
  if (typeof thrown === "object" && thrown !== null && "endpointDown" in thrown) {
    return thrown as CallFailure;
  }
  const error = KvError.is(thrown) ? thrown : new KvError("internal", String(thrown));
  return { error, unexecuted: false, endpointDown: false, permanent: true };
}
