import { pathMatch } from "@flotilla/units";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PatternIndex } from "./pattern-index.js";

describe("PatternIndex", () => {
  it("finds what trying every glob finds", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "@", "/", "."), maxLength: 6 });
    const glob = fc.string({
      unit: fc.constantFrom("a", "b", "@", "/", ".", "*", "?"),
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.uniqueArray(glob, { maxLength: 12 }), text, (globs, name) => {
        const index = new PatternIndex();
        const ids = globs.map((each) => index.add(each));
        expect(index.matching(name)).toEqual(ids.filter((_, i) => pathMatch(globs[i]!, name)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("gives equal globs one number, and a malformed one no match", () => {
    const index = new PatternIndex();
    expect(index.add("a*")).toBe(index.add("a*"));
    index.add("a[");
    expect(index.matching("a[")).toEqual([index.add("a*")]);
  });
});
