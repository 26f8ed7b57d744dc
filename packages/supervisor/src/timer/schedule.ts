import {
  type CalendarSpec,
  nextElapse,
  parseCalendar,
  parseTimeSpan,
  UnitsError,
} from "@flotilla/units";
import type { UnitSettings } from "../settings/unit-settings.js";

/** From when a time span counts (systemd.timer(5)). */
export type TimerBase =
  | "OnActiveSec"
  | "OnBootSec"
  | "OnStartupSec"
  | "OnUnitActiveSec"
  | "OnUnitInactiveSec";

export type TimerValue =
  | { readonly base: TimerBase; readonly ms: number }
  | { readonly base: "OnCalendar"; readonly calendar: CalendarSpec };

/** [Timer], read. Times are milliseconds. */
export interface TimerSettings {
  readonly values: readonly TimerValue[];
  readonly unit: string;
  readonly persistent: boolean;
  readonly randomizedDelayMs: number;
  readonly fixedRandomDelay: boolean;
  readonly remainAfterElapse: boolean;
}

/** What has happened so far, in milliseconds since the epoch; undefined for what has not. */
export interface TimerPast {
  readonly now: number;
  readonly bootedAt: number;
  /** When the supervisor began. */
  readonly startedAt: number;
  readonly activatedAt: number;
  readonly lastTriggerAt: number | undefined;
  /** When the triggered unit last left, and last came to rest. */
  readonly unitActiveAt: number | undefined;
  readonly unitInactiveAt: number | undefined;
  /** The timer has just been started: what is past already counts as due, not as done. */
  readonly initial: boolean;
}

const BASES: readonly TimerBase[] = [
  "OnActiveSec",
  "OnBootSec",
  "OnStartupSec",
  "OnUnitActiveSec",
  "OnUnitInactiveSec",
];

export function readTimer(settings: UnitSettings): TimerSettings {
  const values = settings.all("Timer", [...BASES, "OnCalendar"]).flatMap(({ key, value }) => {
    const read = readValue(key, value);
    return read ? [read] : [];
  });
  return {
    values,
    unit: settings.last("Timer", "Unit") ?? settings.name.name.replace(/\.timer$/, ".service"),
    persistent: settings.flag("Timer", "Persistent"),
    randomizedDelayMs: settings.span("Timer", "RandomizedDelaySec", 0),
    fixedRandomDelay: settings.flag("Timer", "FixedRandomDelay"),
    remainAfterElapse: settings.flag("Timer", "RemainAfterElapse", true),
  };
}

function readValue(key: string, value: string): TimerValue | undefined {
  try {
    const base = BASES.find((name) => name === key);
    if (base) return { base, ms: parseTimeSpan(value) };
    return { base: "OnCalendar", calendar: parseCalendar(value) };
  } catch (error) {
    if (UnitsError.is(error)) return undefined;
    throw error;
  }
}

/**
 * When a timer elapses next: the soonest of its values, or undefined when none will any more. Pure;
 * the rules are those of systemd's `timer_enter_waiting`.
 */
export function nextTrigger(values: readonly TimerValue[], past: TimerPast): number | undefined {
  const times = values.flatMap((value) => timeOf(value, past) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

function timeOf(value: TimerValue, past: TimerPast): number | undefined {
  if (value.base === "OnCalendar") return calendarTime(value.calendar, past);
  const from = baseTime(value.base, past);
  if (from === undefined) return undefined;
  const at = from + value.ms;
  const once = value.base !== "OnUnitActiveSec" && value.base !== "OnUnitInactiveSec";
  // What elapsed before and comes only once is done with.
  return !past.initial && once && at < past.now ? undefined : at;
}

function baseTime(base: TimerBase, past: TimerPast): number | undefined {
  switch (base) {
    case "OnActiveSec":
      return past.activatedAt;
    case "OnBootSec":
      return past.bootedAt;
    case "OnStartupSec":
      return past.startedAt;
    case "OnUnitActiveSec":
      return latest(past.unitActiveAt, past.lastTriggerAt);
    case "OnUnitInactiveSec":
      return latest(past.unitInactiveAt, past.lastTriggerAt);
  }
}

function latest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** After the last time, or after the activation; what was missed while nothing ran is due at the start. */
function calendarTime(calendar: CalendarSpec, past: TimerPast): number | undefined {
  const after = past.lastTriggerAt ?? past.activatedAt;
  const next = nextElapse(calendar, Math.round(after * 1000));
  return next === undefined ? undefined : Math.max(next / 1000, past.startedAt);
}
