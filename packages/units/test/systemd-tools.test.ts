import { describe, expect, it } from "vitest";
import { compareAll } from "./conformance/compare.js";
import { explain } from "./conformance/differences.js";
import { generate } from "./conformance/generate.js";
import { NEEDS_SYSTEMD, systemdVersion } from "./systemd.js";

const installed = systemdVersion() !== undefined;
if (!installed) console.warn(`skipped: ${NEEDS_SYSTEMD}`);

/** A bounded part of what `npm run conformance` does. */
const COUNT = 150;
const SEED = 252;

describe.skipIf(!installed)("systemd-analyze and systemd-escape", () => {
  it("read, print and refuse generated values alike", () => {
    const { compared, differences } = compareAll(generate(COUNT, SEED));
    expect(compared).toBeGreaterThanOrEqual(COUNT);
    expect(differences.filter((one) => explain(one) === undefined)).toEqual([]);
  }, 60_000);
});
