import { Buffer } from "node:buffer";
import { KvError } from "../api/errors.js";
import type { Caller } from "../auth/auth-guard.js";
import type { WatchCreateRequest, WatchRequest } from "../codec/index.js";
import { encode, writeWatchResponse } from "../codec/index.js";
import type { WatchBatch, WatchEnd, Watcher } from "../watch/types.js";
import type { Backend } from "./backend.js";
import { toKvError } from "./backend.js";
import { eventPieces, splitBatch, watchMessage } from "./watch-encoding.js";

/** Where a stream's responses go. */
export interface WatchOutput {
  /** Takes the bytes, always; false when the transport's buffer is full until {@link WatchStream.drained}. */
  write(message: Uint8Array): boolean;
  /** The server ends the stream. */
  fail(error: KvError): void;
}

/** etcd's id for what concerns no single watcher: a failed creation, a progress that was asked for. */
const NO_WATCH_ID = -1;
/** Requests of one stream that wait for the check of their caller at most. */
const WAITING_MAX = 10_000;
const ZERO = Uint8Array.of(0);

interface Entry {
  readonly id: number;
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly watcher: Watcher;
}

/**
 * One stream of the Watch service: any number of watchers, each under an id. What is in flight is
 * bounded by the transport: once it is full every watcher with something to say delivers one more
 * batch and then waits in history for {@link WatchStream.drained}.
 */
export class WatchStream {
  readonly #backend: Backend;
  readonly #output: WatchOutput;
  readonly #caller: Caller | undefined;
  /** While authentication is on, requests wait for the check of those before: their order counts. */
  #checked: Promise<void> | null = null;
  #waiting = 0;
  readonly #entries = new Map<number, Entry>();
  readonly #full = new Set<Entry>();
  #nextId = 0;
  /** Watchers whose progress a request for progress of the whole stream still waits for. */
  #awaited: Set<number> | null = null;
  #open = true;

  /** Without a `caller` everything may be watched. */
  constructor(backend: Backend, output: WatchOutput, caller?: Caller) {
    this.#backend = backend;
    this.#output = output;
    this.#caller = caller;
  }

  get size(): number {
    return this.#entries.size;
  }

  receive(message: WatchRequest): void {
    if (this.#checked === null && !this.#backend.guard.enabled) {
      this.#handle(message);
      return;
    }
    if (this.#waiting >= WAITING_MAX) {
      this.#output.fail(new KvError("too-many-requests"));
      return;
    }
    this.#waiting++;
    const copy = message.type === "create" ? copied(message.request) : message;
    const done = (this.#checked ?? Promise.resolve()).then(async () => {
      if (this.#open) await this.#handleChecked(copy);
      this.#waiting--;
      if (this.#checked === done) this.#checked = null;
    });
    this.#checked = done;
  }

  async #handleChecked(message: WatchRequest): Promise<void> {
    if (message.type === "create") {
      const range = watchedRange(message.request);
      try {
        const { guard } = this.#backend;
        const author = await guard.author(this.#caller);
        if (range !== null) guard.checkRead(author, range.key, range.rangeEnd);
      } catch (error) {
        this.#refuse(toKvError(error).message);
        return;
      }
      if (!this.#open) return;
    }
    this.#handle(message);
  }

  #handle(message: WatchRequest): void {
    if (message.type === "create") this.#create(message.request);
    else if (message.type === "cancel") this.#cancel(message.watchId);
    else if (message.type === "progress") this.#askProgress();
  }

  /** The transport has room again. */
  drained(): void {
    const full = [...this.#full];
    this.#full.clear();
    for (const entry of full) entry.watcher.resume();
  }

  /** Ends every watcher; nothing is written any more. */
  close(): void {
    this.#open = false;
    for (const entry of this.#entries.values()) entry.watcher.cancel();
    this.#entries.clear();
    this.#full.clear();
  }

  #create(request: WatchCreateRequest): void {
    if (request.watchId !== 0 && this.#entries.has(request.watchId)) {
      this.#refuse("mvcc: duplicate watch ID provided on the WatchStream");
      return;
    }
    const id = request.watchId !== 0 ? request.watchId : this.#freeId();
    try {
      this.#start(id, request);
    } catch (error) {
      if (!KvError.is(error)) throw error;
      this.#refuse(error.message);
    }
  }

  /** The hub calls no sink before `watch` returns, so the creation is told first. */
  #start(id: number, request: WatchCreateRequest): void {
    const range = watchedRange(request);
    if (range === null) {
      this.#refuse("mvcc: watcher range is empty");
      return;
    }
    const { noPut, noDelete } = request;
    const watcher = this.#backend.hub.watch(
      {
        ...range,
        startRevision: request.startRevision,
        progress: request.progressNotify,
        filters: [
          ...(noPut ? (["no-put"] as const) : []),
          ...(noDelete ? (["no-delete"] as const) : []),
        ],
      },
      {
        deliver: (batch) => this.#deliver(entry, batch),
        ended: (end) => this.#ended(entry, end),
      },
    );
    const entry: Entry = { id, prevKv: request.prevKv, fragment: request.fragment, watcher };
    this.#entries.set(id, entry);
    this.#tell({ watchId: id, created: true });
  }

  #freeId(): number {
    while (this.#entries.has(this.#nextId)) this.#nextId += 1;
    return this.#nextId++;
  }

  #refuse(cancelReason: string): void {
    this.#tell({ watchId: NO_WATCH_ID, created: true, canceled: true, cancelReason });
  }

  #tell(head: {
    readonly watchId: number;
    readonly created?: boolean;
    readonly canceled?: boolean;
    readonly cancelReason?: string;
    readonly compactRevision?: number;
  }): void {
    if (!this.#open) return;
    this.#output.write(encode(writeWatchResponse, { header: this.#backend.header(), ...head }));
  }

  #cancel(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.watcher.cancel();
    this.#remove(entry);
    this.#tell({ watchId: id, canceled: true });
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.id);
    this.#full.delete(entry);
    this.#answered(entry.id);
  }

  #deliver(entry: Entry, batch: WatchBatch): boolean {
    if (batch.events.length === 0 && this.#answered(entry.id)) return true;
    const hasRoom = this.#write(entry, batch);
    if (!hasRoom) this.#full.add(entry);
    return hasRoom;
  }

  #write(entry: Entry, batch: WatchBatch): boolean {
    const limit = this.#backend.limits.maxRequestBytes;
    if (batch.events.length <= 1) return this.#writeWhole(entry, batch);
    let hasRoom = true;
    for (const part of splitBatch(batch, limit)) {
      const pieces = entry.fragment ? eventPieces(part, entry.prevKv, limit) : [];
      hasRoom =
        pieces.length > 1 ? this.#writePieces(entry, part, pieces) : this.#writeWhole(entry, part);
    }
    return hasRoom;
  }

  #writeWhole(entry: Entry, batch: WatchBatch): boolean {
    const header = this.#backend.header(batch.revision);
    return this.#output.write(watchMessage(batch, entry.prevKv, { header, watchId: entry.id }));
  }

  #writePieces(entry: Entry, batch: WatchBatch, pieces: readonly Buffer[]): boolean {
    const header = this.#backend.header(batch.revision);
    let hasRoom = true;
    pieces.forEach((piece, i) => {
      const head = { header, watchId: entry.id, fragment: i < pieces.length - 1 };
      hasRoom = this.#output.write(encode(writeWatchResponse, head, piece));
    });
    return hasRoom;
  }

  #ended(entry: Entry, end: WatchEnd): void {
    this.#remove(entry);
    if (end.reason === "compacted") {
      const { compactRevision } = end;
      this.#tell({ watchId: entry.id, canceled: true, compactRevision });
      return;
    }
    if (!this.#open) return;
    this.#output.fail(
      end.reason === "closed"
        ? new KvError("stopped")
        : new KvError("internal", "the watcher failed", { cause: end.error }),
    );
  }

  /**
   * Progress of the whole stream: told once every watcher has everything up to the store's
   * revision, under the id −1. One that comes while another waits is answered with it.
   */
  #askProgress(): void {
    if (this.#awaited !== null) return;
    this.#awaited = new Set(this.#entries.keys());
    for (const entry of [...this.#entries.values()]) entry.watcher.requestProgress();
    this.#answered(NO_WATCH_ID);
  }

  /** True when the watcher's progress was awaited; the last one answers the request. */
  #answered(id: number): boolean {
    if (this.#awaited === null) return false;
    const awaited = this.#awaited.delete(id);
    if (this.#awaited.size === 0) {
      this.#awaited = null;
      this.#tell({ watchId: NO_WATCH_ID });
    }
    return awaited;
  }
}

/** A request that outlives the bytes it was read from. */
function copied(request: WatchCreateRequest): WatchRequest {
  const { key, rangeEnd } = request;
  const own = rangeEnd === undefined ? {} : { rangeEnd: Uint8Array.from(rangeEnd) };
  return { type: "create", request: { ...request, key: Uint8Array.from(key), ...own } };
}

/** etcd's reading of a watched range; null where nothing could ever be in it. */
function watchedRange(
  request: WatchCreateRequest,
): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } | null {
  const key = request.key.length === 0 ? ZERO : Uint8Array.from(request.key);
  if (request.rangeEnd === undefined || request.rangeEnd.length === 0) return { key };
  const rangeEnd = Uint8Array.from(request.rangeEnd);
  const all = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return all || Buffer.compare(key, rangeEnd) < 0 ? { key, rangeEnd } : null;
}
