import fc from "fast-check";
import { expect, it } from "vitest";
import { PairCounts } from "./pair-counts.js";

it("counts as a map does, through growth and back to nothing", () => {
  const pair = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 600 }), (pairs) => {
      const counts = new PairCounts();
      const expected = new Map<string, number>();
      const check = (): void => {
        for (const [a, b] of pairs) {
          expect(counts.get(a, b)).toBe(expected.get(`${a} ${b}`) ?? 0);
        }
      };
      for (const [a, b] of pairs) {
        counts.add(a, b, 1);
        expected.set(`${a} ${b}`, (expected.get(`${a} ${b}`) ?? 0) + 1);
      }
      check();
      for (const [a, b] of pairs) {
        counts.add(a, b, -1);
        expected.set(`${a} ${b}`, expected.get(`${a} ${b}`)! - 1);
      }
      check();
      expect(counts.isEmpty).toBe(true);
    }),
    { numRuns: 100 },
  );
});
