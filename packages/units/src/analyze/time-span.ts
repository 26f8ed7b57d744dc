import { defaultTimeZones, type TimeZones } from "../calendar/time-zone.js";
import { formatMicroseconds, parseMicroseconds } from "../values/time-span.js";
import { calendarHint, timestampHint } from "./calendar.js";
import { alignedRows, errnoMessage, type Outcome } from "./outcome.js";

/**
 * What `systemd-analyze timespan` prints for time spans: each in microseconds and for people. Like
 * systemd's it stops at the first that it cannot read.
 *
 * @example
 * ```ts
 * analyzeTimeSpan(["90min"]).stdout;
 * ```
 */
export function analyzeTimeSpan(
  spans: readonly string[],
  options: { now?: number; zones?: TimeZones } = {},
): Outcome {
  let stdout = "";
  for (const [index, text] of spans.entries()) {
    try {
      const span = parseMicroseconds(text);
      const rows = [
        ["Original:", text],
        ["μs:", String(span)],
        ["Human:", formatMicroseconds(span)],
      ] as const;
      stdout += `${alignedRows(rows)}${index < spans.length - 1 ? "\n" : ""}`;
    } catch (error) {
      const { now = Date.now() * 1000, zones = defaultTimeZones() } = options;
      const failure = `Failed to parse time span '${text}': ${errnoMessage(error)}\n`;
      const hints = calendarHint(text, zones) + timestampHint(text, now, zones);
      return { stdout, stderr: failure + hints, exitCode: 1 };
    }
  }
  return { stdout, stderr: "", exitCode: 0 };
}
