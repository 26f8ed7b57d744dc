import type { WatchEvent } from "../api/types.js";
import type { Key } from "./key-range.js";

/**
 * The changes of one revision, whose events are made only when someone looks at them: most keys
 * have no watcher. Valid only during the call it is passed to; the events stay valid for good.
 */
export interface RevisionChanges {
  readonly revision: number;
  readonly size: number;
  keyAt(index: number): Key;
  /** With `prevKv` wherever the previous value is not compacted. The same object at each call. */
  eventAt(index: number): WatchEvent;
}
