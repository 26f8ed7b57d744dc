import type { Bytes, WatchEvent } from "../api/types.js";
import type { RevisionChanges } from "../store/revision-changes.js";

/** Which events a watcher does not want. */
export type WatchFilter = "no-put" | "no-delete";

/** What to watch. `key` and `rangeEnd` mean what they mean in `RangeRequest`. */
export interface WatchRequest {
  /** At least one byte (etcd's API turns an empty key into one zero byte before it comes here). */
  readonly key: Bytes;
  readonly rangeEnd?: Bytes;
  /** First revision to see; 0 or less (the default) is the next one after now. */
  readonly startRevision?: number;
  readonly filters?: readonly WatchFilter[];
  /** Asks for an empty batch when nothing happened for `progressIntervalMs`. */
  readonly progress?: boolean;
}

/**
 * Whole revisions in order. Watchers that want the same keys with the same filters get the *same*
 * batch object, and every watcher gets the same event objects: a server may keep their encoding
 * in a `WeakMap` (one for each way to encode it) and write it to many. Nobody may change them: their
 * bytes are views of the store's own memory.
 *
 * Events always carry `prevKv`, where it is not compacted: leave it out for a watcher that did not
 * ask for it.
 */
export interface WatchBatch {
  /** Everything up to this revision was delivered with this batch: resume from `revision + 1`. */
  readonly revision: number;
  /** Never split within a revision; empty only for progress. */
  readonly events: readonly WatchEvent[];
}

/** Why the hub ended a watcher. */
export type WatchEnd =
  /** The next revision the watcher needs is compacted away; it can only start over. */
  | { readonly reason: "compacted"; readonly compactRevision: number }
  /** `deliver` threw. */
  | { readonly reason: "sink-failed"; readonly error: unknown }
  | { readonly reason: "closed" };

/** Where a watcher's events go. Called synchronously, never from within `hub.watch()` itself. */
export interface WatchSink {
  /**
   * Takes the batch, always; must not write to the store. Answers false when it is full: the hub then holds nothing for this
   * watcher (it falls back to history) until `resume()`, so a slow watcher costs no memory.
   */
  deliver(batch: WatchBatch): boolean;
  /** The last call: the hub forgot the watcher. Not called after `cancel()`. */
  ended(end: WatchEnd): void;
}

/** A watcher's handle. */
export interface Watcher {
  /** First revision it will see. */
  readonly startRevision: number;
  /** True when everything up to the store's revision was delivered and the sink is not full. */
  readonly synced: boolean;
  /** Ends it; no call to the sink follows. */
  cancel(): void;
  /** The sink has room again. Delivery goes on in a later turn, never within this call. */
  resume(): void;
  /**
   * Asks for an empty batch with the store's revision; delivered at once when synced (within this
   * call), else as soon as it is.
   */
  requestProgress(): void;
}

/** What the hub needs of a store; `MvccStore` fulfils it. */
export interface WatchSource {
  readonly revision: number;
  readonly compactRevision: number;
  /** Called synchronously at the end of each applied batch that changed keys. */
  onChanges: ((revisions: readonly RevisionChanges[]) => void) | undefined;
  /** Called after a snapshot replaced the whole state. */
  onRestore: (() => void) | undefined;
  /**
   * Shows the changes from `startRevision` on, whole revisions, stopping after about `maxChanges`;
   * returns the first revision that it did not show, the store's revision + 1 at the end.
   * Throws KvError `compacted`.
   */
  scanHistory(
    startRevision: number,
    maxChanges: number,
    visit: (changes: RevisionChanges) => void,
  ): number;
}

/** Tuning of a hub. */
export interface WatchHubOptions {
  /** Silence after which a watcher with `progress` gets an empty batch; 600,000 (etcd's 10 min). */
  readonly progressIntervalMs?: number;
  /** Changes of history looked at in one turn of the event loop; 2,000 by default. */
  readonly catchUpChanges?: number;
  /** Runs a turn later; `setImmediate` by default. */
  readonly schedule?: (turn: () => void) => void;
}
