import { describe, expect, it } from "vitest";
import { UnitsError } from "../errors.js";
import { formatCalendar } from "./format.js";
import { elapses, nextElapse } from "./next.js";
import { parseCalendar } from "./parse.js";
import { intlTimeZones, type TimeZones, UTC } from "./time-zone.js";
import { formatRelative, formatTimestamp, parseTimestamp } from "./timestamp.js";

const utc = intlTimeZones("UTC");
const berlin = intlTimeZones("Europe/Berlin");

/** The next times of an expression, as systemd prints them in UTC. */
function times(text: string, from: string, count: number, zones: TimeZones = utc): string[] {
  const found: string[] = [];
  const after = parseTimestamp(from, { zones });
  for (const at of elapses(parseCalendar(text, zones), after, zones)) {
    if (found.push(formatTimestamp(at, UTC).slice(4, -4)) === count) break;
  }
  return found;
}

describe("calendar expressions", () => {
  it.each([
    ["Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"],
    ["Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"],
    ["Wed *-1", "Wed *-*-01 00:00:00"],
    ["Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"],
    ["10-15", "*-10-15 00:00:00"],
    ["*-05~07/1", "*-05~07/1 00:00:00"],
    ["Mon *-05~07/1", "Mon *-05~07/1 00:00:00"],
    ["08:05:40.123456789", "*-*-* 08:05:40.123457"],
    ["2003-03-05 05:40 UTC", "2003-03-05 05:40:00 UTC"],
    ["semi-annually", "*-01,07-01 00:00:00"],
    ["*:*:*", "*-*-* *:*:*"],
    ["0..3:1/7", "*-*-* 00..03:01/7:00"],
    ["5..9/8:0", "*-*-* 05:00:00"],
    ["@0", "1970-01-01 00:00:00 UTC"],
    ["daily Europe/Berlin", "*-*-* 00:00:00 Europe/Berlin"],
  ])("%s becomes %s", (text, normalized) => {
    expect(formatCalendar(parseCalendar(text, utc), utc)).toBe(normalized);
  });

  it.each([
    ["", "invalid-value"],
    ["7:6:5 8", "invalid-value"],
    ["Mon..", "invalid-value"],
    ["*~29", "invalid-value"],
    ["24:00", "invalid-value"],
    ["2200-1-1", "invalid-value"],
    ["5:0 Nowhere/City", "invalid-value"],
    ["constructor", "invalid-value"],
    ["0/0:0", "out-of-range"],
    ["99999999999:0", "out-of-range"],
    [`${"1,".repeat(241)}1:0`, "too-many-values"],
  ])("%s is refused as %s", (text, code) => {
    expect(() => parseCalendar(text, utc)).toThrow(UnitsError);
    try {
      parseCalendar(text, utc);
    } catch (error) {
      expect(UnitsError.is(error) && error.code).toBe(code);
    }
  });

  it("elapse on days counted from the month's end, and on weekdays", () => {
    expect(times("*-2~1 12:00", "2023-06-01 UTC", 2)).toEqual([
      "2024-02-29 12:00:00",
      "2025-02-28 12:00:00",
    ]);
    expect(times("Mon *-*~7/1", "2024-01-01 UTC", 1)).toEqual(["2024-01-29 00:00:00"]);
    expect(times("Fri *-*-13", "2024-01-01 UTC", 2)).toEqual([
      "2024-09-13 00:00:00",
      "2024-12-13 00:00:00",
    ]);
  });

  it("never elapse behind their last year, or on days that do not exist", () => {
    expect(times("2020-1-1", "2024-01-01 UTC", 1)).toEqual([]);
    expect(times("*-2-30", "2024-01-01 UTC", 1)).toEqual([]);
  });

  it("pass over a time that a spring leaves out", () => {
    const expected = ["2024-04-01 00:30:00", "2024-04-02 00:30:00"];
    expect(times("*-*-* 02:30", "2024-03-30 12:00 UTC", 2, berlin)).toEqual(expected);
    expect(times("*-*-* 02:30 Europe/Berlin", "2024-03-30 12:00 UTC", 2)).toEqual(expected);
  });

  it("elapse once in the hour that an autumn has twice", () => {
    const found = times("*-*-* 02:30", "2024-10-26 12:00 UTC", 2, berlin);
    expect(found).toEqual(["2024-10-27 00:30:00", "2024-10-28 01:30:00"]);
  });

  it("take microseconds", () => {
    const spec = parseCalendar("*:*:0/0.25", utc);
    expect(nextElapse(spec, 1_000_100_000, utc)).toBe(1_000_250_000);
  });
});

describe("timestamps", () => {
  const now = Date.UTC(2024, 4, 15, 10, 20, 30) * 1000;

  it.each([
    ["now", "2024-05-15 10:20:30"],
    ["tomorrow", "2024-05-16 00:00:00"],
    ["+1h 30min", "2024-05-15 11:50:30"],
    ["2 days ago", "2024-05-13 10:20:30"],
    ["@86400.5", "1970-01-02 00:00:00"],
    ["Tue 2023-01-31 4:05", "2023-01-31 04:05:00"],
    ["12:30", "2024-05-15 12:30:00"],
    ["2024-07-01 12:00 Europe/Berlin", "2024-07-01 10:00:00"],
  ])("%s is %s", (text, expected) => {
    const found = parseTimestamp(text, { now, zones: utc });
    expect(formatTimestamp(found, UTC).slice(4, -4)).toBe(expected);
  });

  it.each(["", "Mon 2023-01-31", "2023-13-01", "25:00", "yesteryear", "-90y"])(
    "%j is refused",
    (text) => {
      expect(() => parseTimestamp(text, { now, zones: utc })).toThrow(UnitsError);
    },
  );

  it.each([
    [400 * 86_400, "1 year 1 month"],
    [40 * 86_400, "1 month 9 days"],
    [9 * 86_400, "1 week 2 days"],
    [3 * 86_400, "3 days"],
    [26 * 3600, "1 day 2h"],
    [7 * 3600, "7h"],
    [3 * 3600 + 120, "3h 2min"],
    [600, "10min"],
    [61, "1min 1s"],
    [5, "5s"],
  ])("%d seconds are %s", (seconds, words) => {
    expect(formatRelative(now + seconds * 1e6, now)).toBe(`${words} left`);
    expect(formatRelative(now - seconds * 1e6, now)).toBe(`${words} ago`);
  });
});
