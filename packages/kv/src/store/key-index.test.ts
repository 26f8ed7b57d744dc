import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyIndex } from "./key-index.js";

/** One letter of four and a number: enough keys for several levels, and doubles. */
const keys = fc.integer({ min: 0, max: 3000 }).map((n) => `k${n.toString(36)}`);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant("live" as const), keys) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("dead" as const), keys) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("remove" as const), keys) },
);

function check(index: KeyIndex, model: Map<string, number>, from: string, to: string | null) {
  const inside = [...model.keys()].filter((k) => k >= from && (to === null || k < to)).sort();
  const seen: string[] = [];
  index.scan({ from, to }, (entry, key) => {
    if (entry !== model.get(key)) expect.fail(`${key} has ${entry}`);
    seen.push(key);
    return true;
  });
  expect(seen).toEqual(inside);
  const live = inside.filter((key) => model.get(key)! >= 0);
  expect(index.countLive({ from, to })).toBe(live.length);
}

describe("KeyIndex", () => {
  it("is a sorted map that counts", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2000, size: "max" }), keys, keys, (steps, a, b) => {
        const index = new KeyIndex();
        const model = new Map<string, number>();
        for (const [at, [kind, key]] of steps.entries()) {
          if (index.seek(key) !== model.get(key)) expect.fail(`lost ${key}`);
          if (kind !== "remove") {
            index.place(kind === "live" ? at : ~at);
            model.set(key, kind === "live" ? at : ~at);
          } else if (model.delete(key)) index.remove();
        }
        expect(index.size).toBe(model.size);
        check(index, model, "", null);
        check(index, model, a, b);
        check(index, model, a, null);
        const live = [...model].filter(([, entry]) => entry >= 0).map(([key]) => key);
        live.sort();
        expect(index.live).toBe(live.length);
        for (const offset of [0, live.length >> 1, live.length - 1, live.length]) {
          expect(index.liveAt(offset)).toBe(live[offset]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ["upwards", (i: number) => i],
    ["downwards", (i: number) => 50_000 - i],
    ["in any order", (i: number) => (i * 7919) % 50_000],
  ])("grows and empties %s", (_, order) => {
    const index = new KeyIndex();
    const name = (i: number) => String(order(i)).padStart(6, "0");
    for (let i = 0; i < 50_000; i++) {
      index.seek(name(i));
      index.place(i);
    }
    expect(index.live).toBe(50_000);
    expect(index.countLive({ from: "010000", to: "020000" })).toBe(10_000);
    for (let i = 0; i < 50_000; i++) {
      if (index.seek(name(i)) !== i) expect.fail(`lost ${name(i)}`);
      index.remove();
    }
    expect([index.size, index.live]).toEqual([0, 0]);
    index.scan({ from: "", to: null }, () => expect.fail("something is left"));
  });
});
