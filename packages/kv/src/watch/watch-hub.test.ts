import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytes, DrivenStore, interval, put, text } from "../../test/store/driven-store.js";
import { MvccStore } from "../store/mvcc-store.js";
import type { WatchBatch, WatchEnd, WatchRequest } from "./types.js";
import { WatchHub } from "./watch-hub.js";

let kv: DrivenStore;
let hub: WatchHub;
let turns: (() => void)[];

/** Runs every turn that is due, and those that come of them. */
function runTurns(): void {
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
}

beforeEach(() => {
  turns = [];
  const schedule = (turn: () => void) => turns.push(turn);
  kv = new DrivenStore(new MvccStore({ schedule }));
  hub = new WatchHub(kv.store, { schedule, catchUpChanges: 10, progressIntervalMs: 1000 });
});

afterEach(() => {
  hub.close();
  vi.useRealTimers();
});

/** A watcher whose sink has room for `room` batches at a time. */
function watching(key: string, rangeEnd?: string, rest: Partial<WatchRequest> = {}, room = 1e9) {
  const batches: WatchBatch[] = [];
  const ends: WatchEnd[] = [];
  let left = room;
  const watcher = hub.watch(
    { ...interval(key, rangeEnd), ...rest },
    {
      deliver: (batch) => {
        batches.push(batch);
        return --left > 0;
      },
      ended: (end) => ends.push(end),
    },
  );
  const resume = () => {
    left = room;
    watcher.resume();
  };
  const seen = () =>
    batches.map(({ revision, events }) =>
      [revision, ...events.map((e) => `${e.kv.modRevision}${e.type[0]}${text(e.kv.key)}`)].join(
        " ",
      ),
    );
  return { watcher, batches, ends, resume, seen };
}

describe("WatchHub", () => {
  it("delivers all of a batch at once to those who watch the key or an interval with it", () => {
    const one = watching("a");
    const some = watching("a", "c");
    const rest = watching("b", "\0");
    const none = watching("c", "a");
    kv.applyAll([
      { type: "put", request: { key: bytes("a"), value: bytes("1") } },
      { type: "txn", request: { compare: [], success: [put("b"), put("z")], failure: [] } },
      { type: "delete", request: { key: bytes("a") } },
    ]);
    expect(one.seen()).toEqual(["4 2pa 4da"]);
    expect(some.seen()).toEqual(["4 2pa 3pb 4da"]);
    expect(rest.seen()).toEqual(["4 3pb 3pz"]);
    expect(none.seen()).toEqual([]);
    expect(one.batches[0]!.events[1]!.prevKv).toMatchObject({ value: bytes("1") });
  });

  it("gives the same batch to all who want the same, and the same events to all", () => {
    const all = Array.from({ length: 1000 }, () => watching("a"));
    const wide = watching("a", "b");
    const filtered = watching("a", "b", { filters: ["no-delete"] });
    kv.put("a", "1");
    expect(new Set(all.map(({ batches }) => batches[0]!)).size).toBe(1);
    const event = all[0]!.batches[0]!.events[0];
    expect(wide.batches[0]!.events[0]).toBe(event);
    expect(filtered.batches[0]!.events[0]).toBe(event);
  });

  it("leaves out what filters name", () => {
    const noPut = watching("a", "z", { filters: ["no-put"] });
    const noDelete = watching("a", "z", { filters: ["no-delete"] });
    const neither = watching("a", "z", { filters: ["no-put", "no-delete"] });
    kv.put("a", "1");
    kv.delete("a");
    expect([noPut.seen(), noDelete.seen(), neither.seen()]).toEqual([["3 3da"], ["2 2pa"], []]);
  });

  it("starts in the past with history in chunks, then goes on live", () => {
    for (let i = 0; i < 25; i++) kv.put(i % 2 === 0 ? "a" : "b", "");
    const late = watching("a", undefined, { startRevision: 3 });
    expect(late.batches).toEqual([]);
    expect(late.watcher.synced).toBe(false);
    turns.shift()!();
    kv.put("a", "");
    runTurns();
    expect(late.watcher.synced).toBe(true);
    kv.put("a", "");
    expect(late.seen()).toEqual([
      "12 4pa 6pa 8pa 10pa 12pa",
      "22 14pa 16pa 18pa 20pa 22pa",
      "27 24pa 26pa 27pa",
      "28 28pa",
    ]);
  });

  it("never splits a revision", () => {
    kv.txn({ success: Array.from({ length: 40 }, (_, i) => put(`k${i}`)) });
    kv.put("k1", "");
    const late = watching("k", "l", { startRevision: 1 });
    runTurns();
    expect(late.batches.map(({ events }) => events.length)).toEqual([40, 1]);
  });

  it("waits for a start in the future", () => {
    const early = watching("a", "z", { startRevision: 4 });
    expect(early.watcher.synced).toBe(true);
    for (const key of ["a", "b", "c", "d"]) kv.put(key, "");
    expect(early.seen()).toEqual(["4 4pc", "5 5pd"]);
  });

  it("ends a watcher whose start is compacted, after watch() returned", () => {
    for (let i = 0; i < 5; i++) kv.put("a", "");
    kv.compact(4);
    const gone = watching("a", undefined, { startRevision: 3 });
    const fine = watching("a", undefined, { startRevision: 4 });
    expect(gone.ends).toEqual([]);
    runTurns();
    expect(gone.ends).toEqual([{ reason: "compacted", compactRevision: 4 }]);
    expect(fine.seen()).toEqual(["6 4pa 5pa 6pa"]);
    expect(hub.size).toEqual({ watchers: 1, unsynced: 0 });
  });

  it("holds nothing for a full sink and reads on from history when there is room", () => {
    const slow = watching("a", undefined, {}, 1);
    const quick = watching("a");
    for (let i = 0; i < 5; i++) kv.put("a", "");
    expect(slow.seen()).toEqual(["2 2pa"]);
    expect(quick.batches).toHaveLength(5);
    expect(hub.size).toEqual({ watchers: 2, unsynced: 1 });
    slow.resume();
    runTurns();
    expect(slow.seen()).toEqual(["2 2pa", "6 3pa 4pa 5pa 6pa"]);
    slow.resume();
    runTurns();
    expect(slow.watcher.synced).toBe(true);
    kv.put("a", "");
    expect(slow.seen().at(-1)).toBe("7 7pa");
  });

  it("ends a slow watcher when what it needs is compacted", () => {
    const slow = watching("a", undefined, {}, 1);
    for (let i = 0; i < 5; i++) kv.put("a", "");
    kv.compact(5);
    slow.resume();
    runTurns();
    expect(slow.ends).toEqual([{ reason: "compacted", compactRevision: 5 }]);
  });

  it("takes a resume() from within deliver() as room", () => {
    const batches: WatchBatch[] = [];
    const watcher = hub.watch(interval("a"), {
      deliver: (batch) => {
        batches.push(batch);
        watcher.resume();
        return false;
      },
      ended: () => {},
    });
    kv.put("a", "");
    kv.put("a", "");
    expect(batches).toHaveLength(2);
  });

  it("calls a cancelled sink no more, not even within the same batch", () => {
    const second = watching("a");
    const first = hub.watch(interval("\0", "\0"), {
      deliver: () => {
        second.watcher.cancel();
        first.cancel();
        return true;
      },
      ended: () => expect.fail("cancel() is no end"),
    });
    const other = watching("a", "b");
    kv.put("b", "");
    kv.put("a", "");
    expect(second.batches).toHaveLength(0);
    expect(other.batches).toHaveLength(1);
    expect(hub.size.watchers).toBe(1);
  });

  it("ends a watcher whose sink throws; the others get theirs", () => {
    const ends: WatchEnd[] = [];
    const error = new Error("broken pipe");
    const deliver = () => {
      throw error;
    };
    hub.watch(interval("a"), { deliver, ended: (end) => ends.push(end) });
    const other = watching("a");
    kv.put("a", "");
    expect(ends).toEqual([{ reason: "sink-failed", error }]);
    expect(other.batches).toHaveLength(1);
  });

  it("tells progress on request: at once when synced, else when it is", () => {
    kv.put("b", "");
    const synced = watching("a");
    synced.watcher.requestProgress();
    expect(synced.seen()).toEqual(["2"]);
    const late = watching("b", undefined, { startRevision: 1 });
    late.watcher.requestProgress();
    expect(late.seen()).toEqual([]);
    runTurns();
    expect(late.seen()).toEqual(["2 2pb", "2"]);
  });

  it("never tells progress ahead of events of the same batch", () => {
    const later = watching("a");
    hub.watch(interval("\0", "\0"), {
      deliver: ({ events }) => {
        if (events.length > 0) later.watcher.requestProgress();
        return true;
      },
      ended: () => {},
    });
    kv.put("a", "");
    expect(later.seen()).toEqual(["2 2pa", "2"]);
  });

  it("tells quiet watchers of progress from time to time", () => {
    vi.useFakeTimers();
    const quiet = watching("a", undefined, { progress: true });
    const busy = watching("b", undefined, { progress: true });
    const uninterested = watching("a");
    vi.advanceTimersByTime(1000);
    kv.put("b", "");
    vi.advanceTimersByTime(1000);
    expect([quiet.seen(), busy.seen(), uninterested.seen()]).toEqual([["2"], ["2 2pb"], []]);
    vi.advanceTimersByTime(1000);
    expect([quiet.seen(), busy.seen()]).toEqual([
      ["2", "2"],
      ["2 2pb", "2"],
    ]);
  });

  it("brings watchers over a restored state without gap or double", async () => {
    const watcher = watching("a", "z");
    kv.put("a", "1");
    const other = new DrivenStore();
    other.put("a", "1");
    for (const key of ["b", "c"]) other.put(key, "");
    await kv.store.restore(other.store.snapshot(), { index: 9, term: 1 });
    runTurns();
    kv.put("d", "");
    expect(watcher.seen()).toEqual(["2 2pa", "4 3pb 4pc", "5 5pd"]);
  });

  it("ends all when closed", () => {
    const one = watching("a");
    hub.close();
    expect(one.ends).toEqual([{ reason: "closed" }]);
    kv.put("a", "");
    expect(one.batches).toEqual([]);
  });
});
