import type { WatchEvent } from "../api/types.js";
import type { Key, KeyRange } from "../store/key-range.js";
import { type ActiveWatcher, passes } from "./active-watcher.js";
import { IntervalTree } from "./interval-tree.js";
import type { WatchBatch } from "./types.js";

/** All watchers of exactly the same keys, and what the dispatch under way found for them. */
export class WatcherGroup {
  readonly range: KeyRange;
  readonly members: Set<ActiveWatcher> = new Set();
  #events: WatchEvent[] = [];
  #revision = 0;
  /** One shared batch for each filter mask; null where the filters leave nothing. */
  readonly #batches = new Map<number, WatchBatch | null>();

  constructor(range: KeyRange) {
    this.range = range;
  }

  /** Returns true for the first event of a dispatch. */
  add(event: WatchEvent): boolean {
    this.#events.push(event);
    return this.#events.length === 1;
  }

  /** All events were added; batches will say that everything up to `revision` is in them. */
  seal(revision: number): void {
    this.#revision = revision;
  }

  clear(): void {
    this.#events = [];
    this.#batches.clear();
  }

  /** What `watcher` is to get: the same object for all who want the same; null for nothing. */
  batchFor(watcher: ActiveWatcher): WatchBatch | null {
    if (watcher.next > this.#events[0]!.kv.modRevision) {
      return this.#batch(watcher.mask, watcher.next);
    }
    let batch = this.#batches.get(watcher.mask);
    if (batch === undefined) {
      batch = this.#batch(watcher.mask, 0);
      this.#batches.set(watcher.mask, batch);
    }
    return batch;
  }

  #batch(mask: number, from: number): WatchBatch | null {
    const wanted = (event: WatchEvent) => event.kv.modRevision >= from && passes(mask, event);
    const events = mask === 0 && from === 0 ? this.#events : this.#events.filter(wanted);
    return events.length === 0 ? null : { revision: this.#revision, events };
  }
}

/** Watchers found by key: those of single keys by a map, those of intervals by a tree. */
export class WatcherIndex {
  readonly #single = new Map<Key, WatcherGroup>();
  readonly #intervals = new Map<string, WatcherGroup>();
  readonly #tree = new IntervalTree<WatcherGroup>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(watcher: ActiveWatcher): void {
    const { range } = watcher;
    const [map, name] = this.#home(range);
    let group = map.get(name);
    if (group === undefined) {
      group = new WatcherGroup(range);
      map.set(name, group);
      if (map === this.#intervals) this.#tree.insert(range, group);
    }
    group.members.add(watcher);
    this.#size++;
  }

  remove(watcher: ActiveWatcher): void {
    const { range } = watcher;
    const [map, name] = this.#home(range);
    const group = map.get(name);
    if (group === undefined || !group.members.delete(watcher)) return;
    this.#size--;
    if (group.members.size > 0) return;
    map.delete(name);
    if (map === this.#intervals) this.#tree.remove(range);
  }

  /** Calls `visit` for every group that wants `key`. */
  match(key: Key, visit: (group: WatcherGroup) => void): void {
    const group = this.#single.get(key);
    if (group !== undefined) visit(group);
    if (this.#intervals.size > 0) this.#tree.at(key, visit);
  }

  #home(range: KeyRange): [Map<string, WatcherGroup>, string] {
    const { from, to } = range;
    if (to === `${from}\0`) return [this.#single, from];
    return [this.#intervals, `${from.length} ${from}${to ?? ""}`];
  }
}
