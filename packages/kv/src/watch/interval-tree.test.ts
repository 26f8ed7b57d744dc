import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyRange } from "../store/key-range.js";
import { IntervalTree } from "./interval-tree.js";

const key = fc.integer({ min: 0, max: 60 }).map((n) => String.fromCharCode(n + 40));
const range = fc.tuple(key, fc.option(key)).map(([from, to]): KeyRange => ({ from, to }));
const nameOf = ({ from, to }: KeyRange) => `${from}…${to ?? "end"}`;

describe("IntervalTree", () => {
  it("finds exactly the intervals that a key is in, whatever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 120, size: "max" }), key, (ranges, at) => {
        const tree = new IntervalTree<string>();
        const model = new Map<string, KeyRange>();
        for (const each of ranges) {
          // The second time an interval comes up it goes.
          if (model.delete(nameOf(each))) tree.remove(each);
          else {
            model.set(nameOf(each), each);
            tree.insert(each, nameOf(each));
          }
        }
        const found: string[] = [];
        tree.at(at, (name) => found.push(name));
        const inside = [...model.values()].filter(
          ({ from, to }) => from <= at && (to === null || at < to),
        );
        expect(found.sort()).toEqual(inside.map(nameOf).sort());
      }),
      { numRuns: 300 },
    );
  });
});
