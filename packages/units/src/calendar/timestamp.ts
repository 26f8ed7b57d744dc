import { UnitsError } from "../errors.js";
import { readMicroseconds } from "../values/time-span.js";
import { type CivilTime, Clock, toCivil, weekdayOf } from "./civil.js";
import { WEEKDAYS } from "./format.js";
import { TIMESTAMP_MAX } from "./next.js";
import { SECOND_MICROSECONDS } from "./spec.js";
import { defaultTimeZones, type TimeZone, type TimeZones, UTC } from "./time-zone.js";

/** What relative timestamps count from, and the zones that they may name. */
export interface TimestampOptions {
  /** Microseconds since 1970-01-01 UTC; the clock's by default. */
  readonly now?: number;
  readonly zones?: TimeZones;
}

/**
 * Reads a timestamp such as `2024-03-31 02:30 Europe/Berlin`, `Sun 14:00`, `tomorrow`, `+5min`,
 * `2 days ago` or `@1700000000` (systemd.time(7), "Parsing Timestamps") as microseconds since
 * 1970-01-01 UTC.
 *
 * @throws UnitsError "invalid-value"
 */
export function parseTimestamp(text: string, options: TimestampOptions = {}): number {
  const { now = Date.now() * 1000, zones = defaultTimeZones() } = options;
  const found = readTimestamp(text, now, zones);
  if (found === undefined || !(found >= 0 && found <= TIMESTAMP_MAX)) {
    const hint = "Write it as 2024-03-31 02:30:00, tomorrow, +5min or @1700000000.";
    throw new UnitsError("invalid-value", `${JSON.stringify(text)} is not a timestamp.`, { hint });
  }
  return found;
}

function readTimestamp(text: string, now: number, zones: TimeZones): number | undefined {
  const relative = readRelative(text, now);
  if (relative !== "absolute") return relative;
  const lower = text.toLowerCase();
  if (lower.endsWith(" utc")) return readAbsolute(text.slice(0, -4), now, UTC, undefined);
  for (const [index, name] of zones.local.abbreviations.entries()) {
    if (name !== "" && lower.endsWith(` ${name.toLowerCase()}`)) {
      return readAbsolute(text.slice(0, -name.length - 1), now, zones.local, index === 1);
    }
  }
  const space = text.lastIndexOf(" ");
  const zone = space === -1 ? undefined : zones.find(text.slice(space + 1));
  const rest = zone === undefined ? text : text.slice(0, space);
  return readAbsolute(rest, now, zone ?? zones.local, undefined);
}

function readRelative(text: string, now: number): number | undefined | "absolute" {
  const span = (part: string, sign: 1 | -1, from: number): number | undefined => {
    const found = readMicroseconds(part);
    return typeof found === "bigint" ? from + sign * Number(found) : undefined;
  };
  if (text === "now") return now;
  if (text.startsWith("@")) return span(text.slice(1), 1, 0);
  if (text.startsWith("+")) return span(text.slice(1), 1, now);
  if (text.startsWith("-")) return span(text.slice(1), -1, now);
  if (text.endsWith(" ago")) return span(text.slice(0, -4), -1, now);
  if (text.endsWith(" left")) return span(text.slice(0, -5), 1, now);
  return "absolute";
}

const DAYS: Readonly<Record<string, number>> = { yesterday: -1, today: 0, tomorrow: 1 };
const FULL_WEEKDAY = /^(mon|tues|wednes|thurs|fri|satur|sun)day |^(mon|tue|wed|thu|fri|sat|sun) /i;
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

/** A date with an optional time, or a time with an optional date. */
const DATE_TIME =
  /^(?:(?:(\d{1,2}|\d{4})-(\d{1,2})-(\d{1,2}))|([A-Za-z]{3})[A-Za-z]* +(\d{1,2}))?(?:(?:^|\s+)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?$/;

function readAbsolute(
  text: string,
  now: number,
  zone: TimeZone,
  isDst: boolean | undefined,
): number | undefined {
  const today = toCivil(zone, Math.floor(now / SECOND_MICROSECONDS));
  const clock = new Clock(zone);
  const instant = (time: CivilTime): number | undefined => {
    const seconds = clock.toSeconds({ ...time, isDst });
    return seconds === undefined ? undefined : seconds * SECOND_MICROSECONDS;
  };
  const midnight = { hour: 0, minute: 0, second: 0 };
  if (Object.hasOwn(DAYS, text)) {
    return instant({ ...today, ...midnight, day: today.day + DAYS[text]! });
  }
  const weekday = FULL_WEEKDAY.exec(text);
  const match = DATE_TIME.exec(text.slice(weekday?.[0].length ?? 0));
  if (match === null || match[0] === "") return undefined;
  const date = readDate(match, today);
  const time = match[6] === undefined ? midnight : readTime(match);
  if (date === undefined || time === undefined) return undefined;
  const whole = instant({ ...today, ...date, ...time });
  if (whole === undefined) return undefined;
  if (weekday !== null) {
    const seconds = whole / SECOND_MICROSECONDS;
    const shown = WEEKDAYS[weekdayOf(seconds + zone.at(seconds).offset)]!.toLowerCase();
    if (!weekday[0].toLowerCase().startsWith(shown)) return undefined;
  }
  const decimals = match[9] ?? "0";
  return whole + Math.floor(Number(decimals.padEnd(7, "0").slice(0, 7)) / 10 + 0.5);
}

function readDate(
  [, year, month, day, monthName, dayOfMonth]: readonly (string | undefined)[],
  today: CivilTime,
): Pick<CivilTime, "year" | "month" | "day"> | undefined {
  if (year === undefined && monthName === undefined) return today;
  const number =
    monthName === undefined ? Number(month) : MONTHS.indexOf(monthName.toLowerCase()) + 1;
  const date = Number(day ?? dayOfMonth);
  if (number < 1 || number > 12 || date < 1 || date > 31) return undefined;
  return { year: year === undefined ? today.year : fullYear(year), month: number, day: date };
}

/** 68 is 2068, 69 is 1969, as in C. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year < 69 ? year + 2000 : year + 1900;
}

function readTime(
  match: readonly (string | undefined)[],
): Pick<CivilTime, "hour" | "minute" | "second"> | undefined {
  const [hour, minute, second] = [Number(match[6]), Number(match[7]), Number(match[8] ?? 0)];
  return hour > 23 || minute > 59 || second > 61 ? undefined : { hour, minute, second };
}

/**
 * Prints an instant as systemd does: `Sun 2024-03-31 03:00:00 CEST`.
 *
 * @param timestamp - microseconds since 1970-01-01 UTC; parts of a second are not shown.
 */
export function formatTimestamp(timestamp: number, zone: TimeZone): string {
  if (timestamp > TIMESTAMP_MAX) return "--- XXXX-XX-XX XX:XX:XX";
  const seconds = Math.floor(timestamp / SECOND_MICROSECONDS);
  const { offset, abbreviation } = zone.at(seconds);
  const { year, month, day, hour, minute, second } = toCivil(zone, seconds);
  const [mm, dd, h, m, s] = [month, day, hour, minute, second].map((one) =>
    String(one).padStart(2, "0"),
  );
  return `${WEEKDAYS[weekdayOf(seconds + offset)]} ${year}-${mm}-${dd} ${h}:${m}:${s} ${abbreviation}`;
}

const MILLISECOND = 1000;
const MINUTE = 60 * SECOND_MICROSECONDS;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 2_629_800 * SECOND_MICROSECONDS;
const YEAR = 31_557_600 * SECOND_MICROSECONDS;

/**
 * Prints how far an instant is from now, as systemd does: `2 weeks 3 days ago`, `5h 20min left`.
 */
export function formatRelative(timestamp: number, now: number): string {
  const span = Math.abs(timestamp - now);
  if (span === 0) return "now";
  return `${roughly(span)} ${now > timestamp ? "ago" : "left"}`;
}

function roughly(span: number): string {
  const count = (unit: number, within = Number.POSITIVE_INFINITY): number =>
    Math.floor((span % within) / unit);
  const words = (value: number, word: string): string =>
    `${value} ${word}${value === 1 ? "" : "s"}`;
  if (span >= YEAR) return `${words(count(YEAR), "year")} ${words(count(MONTH, YEAR), "month")}`;
  if (span >= MONTH) return `${words(count(MONTH), "month")} ${words(count(DAY, MONTH), "day")}`;
  if (span >= WEEK) return `${words(count(WEEK), "week")} ${words(count(DAY, WEEK), "day")}`;
  if (span >= 2 * DAY) return `${count(DAY)} days`;
  if (span >= 25 * HOUR) return `1 day ${count(HOUR) - 24}h`;
  if (span >= 6 * HOUR) return `${count(HOUR)}h`;
  if (span >= HOUR) return `${count(HOUR)}h ${count(MINUTE, HOUR)}min`;
  if (span >= 5 * MINUTE) return `${count(MINUTE)}min`;
  if (span >= MINUTE) return `${count(MINUTE)}min ${count(SECOND_MICROSECONDS, MINUTE)}s`;
  if (span >= SECOND_MICROSECONDS) return `${count(SECOND_MICROSECONDS)}s`;
  return span >= MILLISECOND ? `${count(MILLISECOND)}ms` : `${span}us`;
}
