import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RaftError } from "./errors.js";
import { MemoryStorage } from "./memory-storage.js";
import { type Entry, EntryType } from "./types.js";

const CONF_STATE = {
  voters: [1],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};
const NO_LIMIT = Number.POSITIVE_INFINITY;

function entry(index: number, term: number): Entry {
  return { index, term, type: EntryType.Normal, data: Uint8Array.of(term) };
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (RaftError.is(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("MemoryStorage", () => {
  it("tells what was compacted away from what is not there yet", () => {
    const storage = new MemoryStorage();
    storage.append([entry(1, 1), entry(2, 1), entry(3, 2)]);
    storage.compact(2);
    expect(storage.firstIndex()).toBe(3);
    expect(storage.term(2)).toBe(1);
    expect(code(() => storage.term(1))).toBe("compacted");
    expect(code(() => storage.term(4))).toBe("unavailable");
    expect(code(() => storage.entries(2, 4, NO_LIMIT))).toBe("compacted");
    expect(code(() => storage.entries(3, 5, NO_LIMIT))).toBe("unavailable");
    expect(code(() => storage.compact(2))).toBe("compacted");
  });

  it("gives one entry at least, and else as many as fit", () => {
    const storage = new MemoryStorage();
    storage.append([1, 2, 3].map((index) => entry(index, 1)));
    expect(storage.entries(1, 4, 0)).toHaveLength(1);
    // 7 bytes each: term, index and data with their tags.
    expect(storage.entries(1, 4, 14)).toHaveLength(2);
    expect(storage.entries(1, 4, NO_LIMIT)).toHaveLength(3);
  });

  it("never changes what it gave out", () => {
    const storage = new MemoryStorage();
    storage.append([entry(1, 1), entry(2, 1), entry(3, 1)]);
    const given = storage.entries(1, 4, NO_LIMIT);
    storage.append([entry(2, 2)]);
    storage.compact(2);
    expect(given.map(({ term }) => term)).toEqual([1, 1, 1]);
  });

  it("refuses snapshots that are not newer", () => {
    const storage = new MemoryStorage();
    expect(code(() => storage.snapshot())).toBe("snapshot-temporarily-unavailable");
    const at = (index: number) => ({
      metadata: { index, term: 1, confState: CONF_STATE },
      data: new Uint8Array(0),
    });
    storage.applySnapshot(at(5));
    expect(code(() => storage.applySnapshot(at(5)))).toBe("snapshot-out-of-date");
    expect(code(() => storage.createSnapshot(5, CONF_STATE, new Uint8Array(0)))).toBe(
      "snapshot-out-of-date",
    );
    expect(storage.lastIndex()).toBe(5);
  });

  it("behaves like a plain list under any appends and compactions", () => {
    const step = fc.record({
      back: fc.integer({ min: 0, max: 5 }),
      count: fc.integer({ min: 0, max: 200 }),
      compact: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const storage = new MemoryStorage();
        let model: Entry[] = [];
        let first = 1;
        steps.forEach(({ back, count, compact }, i) => {
          const start = Math.max(first, first + model.length - back);
          const added = Array.from({ length: count }, (_, k) => entry(start + k, i));
          storage.append(added);
          if (count > 0) model = [...model.slice(0, start - first), ...added];
          const dropped = Math.min(compact, model.length);
          if (dropped > 0) storage.compact(first + dropped - 1);
          model = model.slice(dropped);
          first += dropped;
          expect(storage.firstIndex()).toBe(first);
          expect(storage.lastIndex()).toBe(first + model.length - 1);
          expect(storage.entries(first, first + model.length, NO_LIMIT)).toEqual(model);
        });
      }),
    );
  });
});
