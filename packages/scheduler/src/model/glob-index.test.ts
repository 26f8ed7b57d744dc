import { pathMatch } from "@flotilla/units";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GlobIndex } from "./glob-index.js";

describe("GlobIndex", () => {
  it("finds what trying every glob finds, also when some were released", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "@", "/", "."), maxLength: 6 });
    const glob = fc.string({
      unit: fc.constantFrom("a", "b", "@", "/", ".", "*", "?"),
      maxLength: 6,
    });
    const globs = fc.uniqueArray(glob, { maxLength: 12 });
    fc.assert(
      fc.property(globs, globs, text, (kept, released, name) => {
        const index = new GlobIndex();
        for (const pattern of kept) index.declare(pattern);
        for (const each of released.map((pattern) => index.declare(pattern))) index.release(each);
        const found = [...index.matching(name)].map(({ pattern }) => pattern);
        expect(found.sort()).toEqual(kept.filter((pattern) => pathMatch(pattern, name)).sort());
      }),
      { numRuns: 2_000 },
    );
  });

  it("gives equal globs one object, and a malformed one no match", () => {
    const index = new GlobIndex();
    const glob = index.declare("a*");
    expect(index.declare("a*")).toBe(glob);
    index.declare("a[");
    expect(index.matching("a[")).toEqual([glob]);
    expect(index.release(glob)).toBe(false);
    expect(index.release(glob)).toBe(true);
    expect(index.matching("a[")).toEqual([]);
  });
});
