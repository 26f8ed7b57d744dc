import { parseTimestamp, type TimeZones, UnitsError } from "@flotilla/units";
import {
  analyzeCalendar,
  analyzeEscape,
  analyzeTimeSpan,
  type EscapeOptions,
} from "@flotilla/units/analyze";
import { systemTimeZones } from "@flotilla/units/node";
import { Exit } from "../../errors.js";
import { printError, printOut } from "./terminal.js";

export interface CalendarOptions {
  readonly iterations: string;
  readonly baseTime?: string;
}

interface Said {
  readonly stdout: string | Uint8Array;
  readonly stderr: string;
  readonly exitCode: 0 | 1;
}

async function say({ stdout, stderr, exitCode }: Said): Promise<void> {
  await printOut(stdout);
  await printError(stderr);
  if (exitCode !== 0) throw new Exit(exitCode);
}

function refuse(message: string): Promise<void> {
  return say({ stdout: "", stderr: `${message}\n`, exitCode: 1 });
}

function zonesOf(timeZone: string | undefined): TimeZones {
  // The C library takes an empty TZ for UTC, and none for /etc/localtime.
  return systemTimeZones({ local: timeZone === "" ? "UTC" : timeZone });
}

/** units calendar: what `systemd-analyze calendar` prints. */
export async function calendar(
  expressions: readonly string[],
  { iterations, baseTime }: CalendarOptions,
  timeZone: string | undefined,
): Promise<void> {
  const zones = zonesOf(timeZone);
  if (!/^\+?\d+$/.test(iterations) || Number(iterations) > 0xffff_ffff) {
    return refuse(`Failed to parse iterations: ${iterations}`);
  }
  const base = baseTime === undefined ? undefined : readBase(baseTime, zones);
  if (base === null) return refuse(`Failed to parse --base-time= parameter: ${baseTime}`);
  const from = base === undefined ? {} : { baseTime: base };
  return say(analyzeCalendar(expressions, { ...from, iterations: Number(iterations), zones }));
}

function readBase(text: string, zones: TimeZones): number | null {
  try {
    return parseTimestamp(text, { zones });
  } catch (error) {
    if (UnitsError.is(error)) return null;
    throw error;
  }
}

/** units timespan: what `systemd-analyze timespan` prints. */
export function timespan(spans: readonly string[], timeZone: string | undefined): Promise<void> {
  return say(analyzeTimeSpan(spans, { zones: zonesOf(timeZone) }));
}

/** units escape: what `systemd-escape` prints. */
export function escapeNames(names: readonly string[], options: EscapeOptions): Promise<void> {
  return say(analyzeEscape(names, options));
}
