import type { Buffer } from "node:buffer";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { KvError } from "../api/errors.js";
import { HAS_LEADER } from "../api/metadata.js";
import type { WatchEvent } from "../api/types.js";
import type { WatchCreateRequest, WatchResponse } from "../codec/index.js";
import { encode, Reader, readWatchResponse, writeWatchRequest } from "../codec/index.js";
import type { Caller } from "./caller.js";
import type { Endpoint } from "./endpoints.js";
import { toFailure } from "./grpc-channel.js";
import type { BytesLike, WatchBatch, WatchOptions } from "./key-value.js";
import { toInterval } from "./keys.js";

/** Batches that wait for a slow reader before the stream is no longer read. */
const QUEUED_MAX = 64;
/** Between two looks at whether a silent server still lives, in milliseconds. */
const CHECK_MS = 2000;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2000;

const PATH = "/etcdserverpb.Watch/Watch";

interface Waiter {
  readonly resolve: (result: IteratorResult<WatchBatch, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A watch over the network as an async iterator. When its server goes away, hangs or loses its
 * leader, it goes on at another one from the revision after the last that was delivered.
 */
export class ClientWatch implements AsyncIterator<WatchBatch, undefined> {
  readonly #caller: Caller;
  readonly #request: Omit<WatchCreateRequest, "startRevision">;
  readonly #progress: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.#finish(null);
  readonly #batches: WatchBatch[] = [];
  /** First revision that was not delivered; 0 until the first server has told where "now" is. */
  #next: number;
  #fragments: WatchEvent[] = [];
  #stream: ClientDuplexStream<Buffer, Buffer> | null = null;
  #endpoint: Endpoint | null = null;
  #timer: NodeJS.Timeout | undefined;
  #backoffMs = BACKOFF_MS_MIN;
  #waiter: Waiter | null = null;
  #done = false;
  #error: KvError | null = null;

  constructor(caller: Caller, key: BytesLike, options: WatchOptions) {
    this.#caller = caller;
    this.#next = options.startRevision ?? 0;
    this.#progress = options.progressNotify === true;
    this.#signal = options.signal;
    const filters = options.filters ?? [];
    this.#request = {
      ...toInterval(key, options),
      progressNotify: this.#progress,
      prevKv: options.prevKv === true,
      noPut: filters.includes("no-put"),
      noDelete: filters.includes("no-delete"),
      watchId: 0,
      fragment: true,
    };
    caller.closing.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true || caller.closed) this.#finish(null);
    else {
      options.signal?.addEventListener("abort", this.#abort, { once: true });
      this.#connect();
    }
  }

  async next(): Promise<IteratorResult<WatchBatch, undefined>> {
    const batch = this.#batches.shift();
    if (batch !== undefined) {
      if (this.#batches.length === QUEUED_MAX / 2) this.#stream?.resume();
      return { value: batch, done: false };
    }
    if (this.#error !== null) {
      const error = this.#error;
      this.#error = null;
      throw error;
    }
    if (this.#done) return { value: undefined, done: true };
    return await new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  async return(): Promise<IteratorResult<WatchBatch, undefined>> {
    this.#batches.length = 0;
    this.#finish(null);
    return { value: undefined, done: true };
  }

  #connect(): void {
    const endpoint = this.#caller.endpoints.next(new Set());
    const stream = endpoint.channel.bidi(PATH, { [HAS_LEADER]: "true" });
    this.#endpoint = endpoint;
    this.#stream = stream;
    this.#fragments = [];
    stream.on("data", (bytes: Buffer) => {
      if (stream === this.#stream) this.#receive(bytes);
    });
    const lost = (error: unknown): void => {
      if (stream === this.#stream) this.#lost(error);
    };
    stream.on("error", lost);
    stream.on("end", () => lost(null));
    const request = { ...this.#request, startRevision: this.#next };
    stream.write(encode(writeWatchRequest, { type: "create" as const, request }));
    this.#timer = setInterval(() => this.#check(stream, endpoint), CHECK_MS);
    this.#timer.unref();
  }

  /** A server that was stopped keeps its connections: only asking it shows that it is gone. */
  #check(stream: ClientDuplexStream<Buffer, Buffer>, endpoint: Endpoint): void {
    this.#caller.probe(endpoint).catch((failure: unknown) => {
      if (stream === this.#stream) this.#lost(failure);
    });
  }

  #receive(bytes: Buffer): void {
    this.#caller.endpoints.answered(this.#endpoint as Endpoint);
    let response: WatchResponse;
    try {
      response = readWatchResponse(new Reader(bytes));
    } catch (error) {
      this.#finish(KvError.is(error) ? error : new KvError("internal", String(error)));
      return;
    }
    if (response.canceled) this.#canceled(response);
    else if (response.created) {
      this.#backoffMs = BACKOFF_MS_MIN;
      if (this.#next <= 0) this.#next = response.header.revision + 1;
    } else this.#events(response);
  }

  #events(response: WatchResponse): void {
    for (const event of response.events) this.#fragments.push(event);
    if (response.fragment) return;
    const events = this.#fragments;
    this.#fragments = [];
    // The header may tell of a newer revision than a watcher that catches up was given yet.
    const revision = events.at(-1)?.kv.modRevision ?? response.header.revision;
    if (events.length === 0 && (!this.#progress || revision < this.#next)) return;
    this.#next = Math.max(this.#next, revision + 1);
    this.#give({ revision, events });
  }

  #give(batch: WatchBatch): void {
    const waiter = this.#waiter;
    if (waiter !== null) {
      this.#waiter = null;
      waiter.resolve({ value: batch, done: false });
      return;
    }
    this.#batches.push(batch);
    if (this.#batches.length >= QUEUED_MAX) this.#stream?.pause();
  }

  #canceled({ compactRevision, cancelReason }: WatchResponse): void {
    if (compactRevision > 0) {
      this.#finish(new KvError("compacted"));
      return;
    }
    const { error, permanent } = toFailure({ details: cancelReason }, this.#endpoint?.url ?? "");
    if (permanent || !LEADER_GONE.test(cancelReason)) this.#finish(error);
    else this.#lost(error);
  }

  #lost(error: unknown): void {
    const endpoint = this.#endpoint as Endpoint;
    this.#drop();
    if (this.#done) return;
    const failure = toFailure(error, endpoint.url);
    if (failure.permanent) {
      this.#finish(failure.error);
      return;
    }
    this.#caller.endpoints.failed(endpoint);
    this.#timer = setTimeout(() => this.#connect(), this.#backoffMs * (0.5 + Math.random()));
    this.#backoffMs = Math.min(BACKOFF_MS_MAX, this.#backoffMs * 2);
  }

  #drop(): void {
    clearInterval(this.#timer);
    const stream = this.#stream;
    this.#stream = null;
    if (stream === null) return;
    stream.on("error", () => {});
    stream.cancel();
  }

  #finish(error: KvError | null): void {
    if (this.#done) return;
    this.#done = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#caller.closing.removeEventListener("abort", this.#abort);
    this.#drop();
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter === null) this.#error = error;
    else if (error === null) waiter.resolve({ value: undefined, done: true });
    else waiter.reject(error);
  }
}

/** Reasons of a cancellation that another server, or the same one later, does not give. */
const LEADER_GONE = /no leader|lost leader|leader changed|server stopped/i;
