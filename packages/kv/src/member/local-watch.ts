import { KvError } from "../api/errors.js";
import type { WatchEvent } from "../api/types.js";
import type { BytesLike, WatchBatch, WatchOptions } from "../client/key-value.js";
import { toInterval } from "../client/keys.js";
import type { WatchEnd, Watcher } from "../watch/types.js";
import type { WatchHub } from "../watch/watch-hub.js";

/** Batches that wait for a slow reader at most; what comes after is read from history again. */
const QUEUED_MAX = 64;

interface Waiter {
  readonly resolve: (result: IteratorResult<WatchBatch, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** A watch of the hub as an async iterator. It begins when it is made, so when `for await` does. */
export class LocalWatch implements AsyncIterator<WatchBatch, undefined> {
  readonly #watcher: Watcher;
  readonly #prevKv: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.#finish(null);
  readonly #batches: WatchBatch[] = [];
  #waiter: Waiter | null = null;
  #full = false;
  #done = false;
  #error: KvError | null = null;

  constructor(hub: WatchHub, key: BytesLike, options: WatchOptions) {
    this.#prevKv = options.prevKv === true;
    this.#signal = options.signal;
    const interval = toInterval(key, options);
    this.#watcher = hub.watch(
      {
        // As over the network: an empty key is the first that there can be.
        key: interval.key.length === 0 ? Uint8Array.of(0) : Uint8Array.from(interval.key),
        ...(interval.rangeEnd === undefined
          ? {}
          : { rangeEnd: Uint8Array.from(interval.rangeEnd) }),
        ...(options.startRevision === undefined ? {} : { startRevision: options.startRevision }),
        ...(options.filters === undefined ? {} : { filters: options.filters }),
        progress: options.progressNotify === true,
      },
      { deliver: (batch) => this.#deliver(batch), ended: (end) => this.#ended(end) },
    );
    if (options.signal?.aborted === true) this.#finish(null);
    else options.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  async next(): Promise<IteratorResult<WatchBatch, undefined>> {
    const batch = this.#batches.shift();
    if (batch !== undefined) {
      if (this.#full && this.#batches.length < QUEUED_MAX / 2) {
        this.#full = false;
        this.#watcher.resume();
      }
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

  #deliver(batch: WatchBatch): boolean {
    const given = this.#prevKv ? batch : { ...batch, events: batch.events.map(withoutPrevious) };
    const waiter = this.#waiter;
    if (waiter !== null) {
      this.#waiter = null;
      waiter.resolve({ value: given, done: false });
      return true;
    }
    this.#batches.push(given);
    this.#full = this.#batches.length >= QUEUED_MAX;
    return !this.#full;
  }

  #ended(end: WatchEnd): void {
    if (end.reason === "compacted") this.#finish(new KvError("compacted"));
    else if (end.reason === "closed") this.#finish(new KvError("stopped"));
    else this.#finish(new KvError("internal", "the watch failed", { cause: end.error }));
  }

  #finish(error: KvError | null): void {
    if (this.#done) return;
    this.#done = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#watcher.cancel();
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter === null) this.#error = error;
    else if (error === null) waiter.resolve({ value: undefined, done: true });
    else waiter.reject(error);
  }
}

function withoutPrevious(event: WatchEvent): WatchEvent {
  return event.prevKv === null ? event : { ...event, prevKv: null };
}
