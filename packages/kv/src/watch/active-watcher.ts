import type { WatchEvent } from "../api/types.js";
import type { KeyRange } from "../store/key-range.js";
import type { WatchRequest, WatchSink } from "./types.js";

/**
 * - `synced`: gets events as they are committed.
 * - `behind`: reads history, a chunk a turn.
 * - `full`: its sink has no room; waits for `resume()`.
 * - `ended`: forgotten.
 */
export type WatcherState = "synced" | "behind" | "full" | "ended";

const NO_PUT = 1;
const NO_DELETE = 2;

/** What the hub keeps of a watcher: no events, only how far it came. */
export class ActiveWatcher {
  readonly range: KeyRange;
  readonly sink: WatchSink;
  /** Bits of its filters; watchers of one group with the same mask share batches. */
  readonly mask: number;
  readonly progress: boolean;
  readonly startRevision: number;
  state: WatcherState = "synced";
  /** First revision it may see; everything before it was delivered or is not wanted. */
  next: number;
  /** Nothing was delivered since the last round of progress. */
  quiet = false;
  delivering = false;
  /** `resume()` came while `deliver` was still running. */
  roomAgain = false;

  constructor(request: WatchRequest, range: KeyRange, startRevision: number, sink: WatchSink) {
    const filters = request.filters ?? [];
    this.range = range;
    this.sink = sink;
    this.mask =
      (filters.includes("no-put") ? NO_PUT : 0) | (filters.includes("no-delete") ? NO_DELETE : 0);
    this.progress = request.progress ?? false;
    this.startRevision = startRevision;
    this.next = startRevision;
  }
}

/** True when a filter mask lets the event through. */
export function passes(mask: number, event: WatchEvent): boolean {
  return (mask & (event.type === "put" ? NO_PUT : NO_DELETE)) === 0;
}
