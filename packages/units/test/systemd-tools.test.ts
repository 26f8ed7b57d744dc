import { describe, expect, it } from "vitest";
import {
  type Comparison,
  compareCalendars,
  compareNames,
  compareSpans,
} from "./conformance/compare.js";
import { explain } from "./conformance/differences.js";
import { generate } from "./conformance/generate.js";
import { NEEDS_SYSTEMD, systemdVersion } from "./systemd.js";

const installed = systemdVersion() !== undefined;
if (!installed) console.warn(`skipped: ${NEEDS_SYSTEMD}`);

/** A bounded part of what `npm run conformance` does. */
const samples = generate(90, 252);

describe.skipIf(!installed)(
  "systemd-analyze and systemd-escape read, print and refuse alike",
  () => {
    it.each<[string, () => Comparison]>([
      ["calendar expressions", () => compareCalendars(samples.calendars)],
      ["time spans", () => compareSpans(samples.spans)],
      ["names", () => compareNames(samples.names)],
    ])(
      "%s",
      (_kind, compare) => {
        const { compared, differences } = compare();
        expect(compared).toBe(30);
        expect(differences.filter((one) => explain(one) === undefined)).toEqual([]);
      },
      60_000,
    );
  },
);
