import { describe, expect, it } from "vitest";
import { InvariantViolation, simulate } from "../../src/testing/index.js";
import { KEPT_RUNS } from "./regressions.js";

describe("kept runs", () => {
  it.each(KEPT_RUNS)("$note", ({ seed, seconds, scenario, breaks }) => {
    let broken: string | null = null;
    try {
      simulate({ seed, seconds, scenario });
    } catch (error) {
      if (!(error instanceof InvariantViolation)) throw error;
      broken = error.invariant;
    }
    expect(broken).toBe(breaks);
  });
});
