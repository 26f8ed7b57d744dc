import assert from "node:assert";
import { KvError } from "../api/errors.js";
import { toRange } from "../store/key-range.js";
import type { RevisionChanges } from "../store/revision-changes.js";
import { ActiveWatcher } from "./active-watcher.js";
import type {
  WatchBatch,
  WatchEnd,
  Watcher,
  WatchHubOptions,
  WatchRequest,
  WatchSink,
  WatchSource,
} from "./types.js";
import { type WatcherGroup, WatcherIndex } from "./watcher-index.js";

/**
 * Fans the store's changes out to watchers: each sees every event of its keys from its start
 * revision on exactly once, in order of revision, all events of a revision together. A watcher
 * that starts in the past or whose sink is full reads history, `catchUpChanges` a turn of the event
 * loop and in turn with the others, until it has caught up; then it is live without a gap.
 *
 * The hub holds no events between two turns: its memory is a record for each watcher. It owns
 * `store.onChanges` and `store.onRestore`.
 *
 * @example
 * ```ts
 * const hub = new WatchHub(store);
 * const watcher = hub.watch(
 *   { key: Buffer.from("/units/"), rangeEnd: Buffer.from("/units0"), startRevision: 7 },
 *   { deliver: (batch) => send(batch), ended: (end) => tell(end) },
 * );
 * ```
 */
export class WatchHub {
  readonly #source: WatchSource;
  readonly #progressIntervalMs: number;
  readonly #catchUpChanges: number;
  readonly #schedule: (turn: () => void) => void;
  readonly #watchers = new Set<ActiveWatcher>();
  readonly #synced = new WatcherIndex();
  readonly #behind = new WatcherIndex();
  /** The watchers of `#behind`; whoever had a turn goes to the end. */
  readonly #queue = new Set<ActiveWatcher>();
  /** Who asked for progress while they were not synced, or during a dispatch. */
  readonly #waitForProgress = new Set<ActiveWatcher>();
  /** Everything up to this revision was dispatched to the synced. */
  #seen: number;
  #dispatching = false;
  #turnScheduled = false;
  #progressTimer: NodeJS.Timeout | undefined;

  constructor(source: WatchSource, options: WatchHubOptions = {}) {
    assert(source.onChanges === undefined, "a store has one hub");
    this.#source = source;
    this.#seen = source.revision;
    this.#progressIntervalMs = options.progressIntervalMs ?? 600_000;
    this.#catchUpChanges = options.catchUpChanges ?? 2000;
    this.#schedule = options.schedule ?? setImmediate;
    source.onChanges = (revisions) => this.#changed(revisions);
    source.onRestore = () => this.#restored();
  }

  /** Watchers that live, and how many of them are not synced (behind or full). */
  get size(): { readonly watchers: number; readonly unsynced: number } {
    return { watchers: this.#watchers.size, unsynced: this.#watchers.size - this.#synced.size };
  }

  /**
   * Starts a watcher. Its sink is not called before this returns, so that the caller can tell of
   * the creation first; a start that is compacted away ends the watcher in a later turn.
   * Throws KvError `empty-key`. An interval whose end is not after its start never sees anything.
   */
  watch(request: WatchRequest, sink: WatchSink): Watcher {
    if (request.key.length === 0) throw new KvError("empty-key");
    const asked = request.startRevision ?? 0;
    const start = asked > 0 ? asked : this.#source.revision + 1;
    const watcher = new ActiveWatcher(request, toRange(request.key, request.rangeEnd), start, sink);
    this.#watchers.add(watcher);
    if (start > this.#seen && start > this.#source.revision) this.#synced.add(watcher);
    else this.#fallBehind(watcher);
    if (watcher.progress) this.#startProgress();
    return this.#handle(watcher);
  }

  /** Ends every watcher with `closed` and lets go of the store. */
  close(): void {
    clearInterval(this.#progressTimer);
    for (const watcher of this.#watchers) this.#end(watcher, { reason: "closed" });
    this.#source.onChanges = undefined;
    this.#source.onRestore = undefined;
  }

  #handle(watcher: ActiveWatcher): Watcher {
    return {
      startRevision: watcher.startRevision,
      get synced(): boolean {
        return watcher.state === "synced";
      },
      cancel: () => this.#forget(watcher),
      resume: () => this.#resume(watcher),
      requestProgress: () => this.#requestProgress(watcher),
    };
  }

  /** Live: the changes of one applied batch, to all who are synced. */
  #changed(revisions: readonly RevisionChanges[]): void {
    assert(!this.#dispatching, "a sink must not write to the store from within deliver()");
    const last = revisions.at(-1)!.revision;
    if (this.#synced.size > 0) {
      const touched: WatcherGroup[] = [];
      for (const changes of revisions) collect(changes, this.#synced, touched);
      this.#dispatch(touched, last, (watcher) => watcher.state === "synced");
    }
    this.#seen = last;
    this.#flushProgress();
  }

  #dispatch(
    touched: readonly WatcherGroup[],
    revision: number,
    isDue: (watcher: ActiveWatcher) => boolean,
  ): void {
    this.#dispatching = true;
    try {
      for (const group of touched) {
        group.seal(revision);
        for (const watcher of group.members) {
          if (!isDue(watcher)) continue;
          const batch = group.batchFor(watcher);
          if (batch !== null) this.#deliver(watcher, batch);
        }
        group.clear();
      }
    } finally {
      this.#dispatching = false;
    }
  }

  #deliver(watcher: ActiveWatcher, batch: WatchBatch): void {
    watcher.quiet = false;
    watcher.next = Math.max(watcher.next, batch.revision + 1);
    watcher.delivering = true;
    watcher.roomAgain = false;
    try {
      const hasRoom = watcher.sink.deliver(batch);
      if (!hasRoom && !watcher.roomAgain && watcher.state !== "ended") this.#setFull(watcher);
    } catch (error) {
      this.#end(watcher, { reason: "sink-failed", error });
    } finally {
      watcher.delivering = false;
    }
  }

  /** One turn of reading history: whoever waits longest, and all who need the same stretch. */
  #turn(): void {
    this.#turnScheduled = false;
    const [first] = this.#queue;
    if (first === undefined) return;
    const start = first.next;
    if (start < this.#source.compactRevision) this.#endCompacted();
    else if (start > this.#source.revision) this.#catchUp(first, start);
    else this.#readHistory(start);
    this.#flushProgress();
    if (this.#queue.size > 0) this.#scheduleTurn();
  }

  #readHistory(start: number): void {
    const touched: WatcherGroup[] = [];
    const end = this.#source.scanHistory(start, this.#catchUpChanges, (changes) =>
      collect(changes, this.#behind, touched),
    );
    const cohort = [...this.#queue].filter(({ next }) => next >= start && next < end);
    const due = new Set(cohort);
    this.#dispatch(touched, end - 1, (watcher) => due.has(watcher) && watcher.state === "behind");
    for (const watcher of cohort) {
      if (watcher.state === "behind") this.#catchUp(watcher, end);
    }
  }

  /** Everything before `next` is delivered to a watcher that was behind. */
  #catchUp(watcher: ActiveWatcher, next: number): void {
    watcher.next = next;
    this.#queue.delete(watcher);
    if (next <= this.#source.revision) {
      this.#queue.add(watcher);
      return;
    }
    this.#behind.remove(watcher);
    this.#synced.add(watcher);
    watcher.state = "synced";
  }

  #endCompacted(): void {
    const { compactRevision } = this.#source;
    for (const watcher of this.#queue) {
      if (watcher.next < compactRevision) {
        this.#end(watcher, { reason: "compacted", compactRevision });
      }
    }
  }

  /** After a restore history tells what the synced have not seen. */
  #restored(): void {
    for (const watcher of this.#watchers) {
      if (watcher.state !== "synced") continue;
      watcher.next = Math.max(watcher.next, this.#seen + 1);
      if (watcher.next > this.#source.revision) continue;
      this.#synced.remove(watcher);
      this.#fallBehind(watcher);
    }
    this.#seen = this.#source.revision;
  }

  #fallBehind(watcher: ActiveWatcher): void {
    watcher.state = "behind";
    this.#behind.add(watcher);
    this.#queue.add(watcher);
    this.#scheduleTurn();
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#schedule(() => this.#turn());
  }

  #setFull(watcher: ActiveWatcher): void {
    this.#detach(watcher);
    watcher.state = "full";
  }

  #resume(watcher: ActiveWatcher): void {
    if (watcher.delivering) watcher.roomAgain = true;
    else if (watcher.state === "full") this.#fallBehind(watcher);
  }

  #end(watcher: ActiveWatcher, end: WatchEnd): void {
    if (watcher.state === "ended") return;
    this.#forget(watcher);
    watcher.sink.ended(end);
  }

  #forget(watcher: ActiveWatcher): void {
    this.#detach(watcher);
    watcher.state = "ended";
    this.#watchers.delete(watcher);
    this.#waitForProgress.delete(watcher);
  }

  #detach(watcher: ActiveWatcher): void {
    this.#queue.delete(watcher);
    this.#synced.remove(watcher);
    this.#behind.remove(watcher);
  }

  #requestProgress(watcher: ActiveWatcher): void {
    if (watcher.state === "synced" && !this.#dispatching) this.#deliverProgress(watcher);
    else if (watcher.state !== "ended") this.#waitForProgress.add(watcher);
  }

  #deliverProgress(watcher: ActiveWatcher): void {
    this.#deliver(watcher, { revision: this.#source.revision, events: [] });
  }

  #flushProgress(): void {
    for (const watcher of this.#waitForProgress) {
      if (watcher.state !== "synced") continue;
      this.#waitForProgress.delete(watcher);
      this.#deliverProgress(watcher);
    }
  }

  #startProgress(): void {
    if (this.#progressTimer !== undefined) return;
    this.#progressTimer = setInterval(() => this.#progressRound(), this.#progressIntervalMs);
    this.#progressTimer.unref();
  }

  #progressRound(): void {
    for (const watcher of this.#watchers) {
      if (!watcher.progress) continue;
      if (watcher.quiet && watcher.state === "synced") this.#deliverProgress(watcher);
      watcher.quiet = true;
    }
  }
}

function collect(changes: RevisionChanges, index: WatcherIndex, touched: WatcherGroup[]): void {
  for (let i = 0; i < changes.size; i++) {
    index.match(changes.keyAt(i), (group) => {
      if (group.add(changes.eventAt(i))) touched.push(group);
    });
  }
}
