import { formatCalendar } from "../calendar/format.js";
import { nextElapse } from "../calendar/next.js";
import { parseCalendar } from "../calendar/parse.js";
import type { CalendarSpec } from "../calendar/spec.js";
import { defaultTimeZones, type TimeZones, UTC } from "../calendar/time-zone.js";
import { formatRelative, formatTimestamp, parseTimestamp } from "../calendar/timestamp.js";
import { UnitsError } from "../errors.js";
import { readMicroseconds } from "../values/time-span.js";
import { alignedRows, attempt, errnoMessage, type Outcome } from "./outcome.js";

export interface AnalyzeCalendarOptions {
  /** How many times to tell; 1 by default. */
  readonly iterations?: number;
  /** Microseconds since 1970-01-01 UTC from which on the next times are sought; now by default. */
  readonly baseTime?: number;
  /** What "From now" counts from; the clock by default. */
  readonly now?: number;
  readonly zones?: TimeZones;
}

/**
 * What `systemd-analyze calendar` prints for expressions: each normalised, and when it elapses next.
 *
 * @example
 * ```ts
 * analyzeCalendar(["Mon..Fri 9:00"], { iterations: 3 }).stdout;
 * ```
 */
export function analyzeCalendar(
  expressions: readonly string[],
  options: AnalyzeCalendarOptions = {},
): Outcome {
  const now = options.now ?? Date.now() * 1000;
  const { zones = defaultTimeZones(), iterations = 1, baseTime = now } = options;
  const all = expressions.map((text) => analyzeOne(text, { zones, iterations, baseTime, now }));
  return {
    stdout: all.map((one) => one.stdout).join("\n"),
    stderr: all.map((one) => one.stderr).join(""),
    exitCode: all.some((one) => one.exitCode === 1) ? 1 : 0,
  };
}

function analyzeOne(text: string, options: Required<AnalyzeCalendarOptions>): Outcome {
  const { zones, now } = options;
  let spec: CalendarSpec;
  try {
    spec = parseCalendar(text, zones);
  } catch (error) {
    const failure = `Failed to parse calendar specification '${text}': ${errnoMessage(error)}\n`;
    const hints = [timestampHint(text, now, zones), timeSpanHint(text)];
    return { stdout: "", stderr: failure + hints.join(""), exitCode: 1 };
  }
  const normalized = formatCalendar(spec, zones);
  const rows: [string, string][] = text === normalized ? [] : [["Original form:", text]];
  rows.push(["Normalized form:", normalized]);
  try {
    rows.push(...elapseRows(spec, options));
  } catch (error) {
    const endless = UnitsError.is(error) && error.code === "endless";
    const warning = endless ? `Infinite loop in calendar calculation: ${normalized}\n` : "";
    const failure = `Failed to determine next elapse for '${text}': ${errnoMessage(error)}\n`;
    return { stdout: "", stderr: warning + failure, exitCode: 1 };
  }
  return { stdout: alignedRows(rows), stderr: "", exitCode: 0 };
}

function elapseRows(
  spec: CalendarSpec,
  { zones, iterations, baseTime, now }: Required<AnalyzeCalendarOptions>,
): [string, string][] {
  const rows: [string, string][] = [];
  let at = baseTime;
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const next = nextElapse(spec, at, zones);
    if (next === undefined) {
      if (iteration === 1) rows.push(["Next elapse:", "never"]);
      break;
    }
    const name = iteration === 1 ? "Next elapse:" : `Iter. #${iteration}:`;
    rows.push([name, formatTimestamp(next, zones.local)]);
    if (zones.local.name !== "UTC") rows.push(["(in UTC):", formatTimestamp(next, UTC)]);
    rows.push(["From now:", formatRelative(next, now)]);
    at = next;
  }
  return rows;
}

/** What systemd-analyze says to somebody who wrote a calendar expression where none belongs. */
export function calendarHint(text: string, zones: TimeZones): string {
  return attempt(() => parseCalendar(text, zones)) === undefined
    ? ""
    : `Hint: this expression is a valid calendar specification. Use 'systemd-analyze calendar "${text}"' instead?\n`;
}

export function timestampHint(text: string, now: number, zones: TimeZones): string {
  return attempt(() => parseTimestamp(text, { now, zones })) === undefined
    ? ""
    : `Hint: this expression is a valid timestamp. Use 'systemd-analyze timestamp "${text}"' instead?\n`;
}

function timeSpanHint(text: string): string {
  return typeof readMicroseconds(text) === "string"
    ? ""
    : `Hint: this expression is a valid timespan. Use 'systemd-analyze timespan "${text}"' instead?\n`;
}
