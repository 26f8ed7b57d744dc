import { daysFromCivil } from "../calendar/civil.js";
import type { ZoneMoment } from "../calendar/time-zone.js";

/** The clock of a zone by a rule that holds every year. */
export interface ZoneRule {
  readonly abbreviations: readonly [string, string];
  at(seconds: number): ZoneMoment;
}

/** The `week`th `weekday` (5: the last, 0: Sunday) of a month, at so many seconds of that day. */
interface Change {
  readonly month: number;
  readonly week: number;
  readonly weekday: number;
  readonly second: number;
}

const RULE =
  /^(?<std>[A-Za-z]+|<[^>]+>)(?<offset>[\d:+-]+)(?:(?<dst>[A-Za-z]+|<[^>]+>)(?<ahead>[\d:+-]*)(?:,(?<begin>M[\d.]+(?:\/[\d:+-]+)?),(?<end>M[\d.]+(?:\/[\d:+-]+)?))?)?$/;

/**
 * Reads a rule such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX, "TZ"); undefined for others than those
 * of the tz database, which change on weekdays of months.
 */
export function parseZoneRule(text: string): ZoneRule | undefined {
  const groups = RULE.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { std = "", offset = "", dst, ahead = "", begin = "", end = "" } = groups;
  const standard: ZoneMoment = {
    offset: -readDuration(offset),
    isDst: false,
    abbreviation: bare(std),
  };
  const beginning = readChange(begin);
  const ending = readChange(end);
  if (dst === undefined || beginning === undefined || ending === undefined) {
    const names = [standard.abbreviation, standard.abbreviation] as const;
    return { abbreviations: names, at: () => standard };
  }
  const summer: ZoneMoment = {
    offset: ahead === "" ? standard.offset + 3600 : -readDuration(ahead),
    isDst: true,
    abbreviation: bare(dst),
  };
  return {
    abbreviations: [standard.abbreviation, summer.abbreviation],
    at: (seconds) => {
      const year = new Date((seconds + standard.offset) * 1000).getUTCFullYear();
      // Each change is told in the time that held before it.
      const from = instantOf(beginning, year) - standard.offset;
      const to = instantOf(ending, year) - summer.offset;
      const inside = from < to ? seconds >= from && seconds < to : seconds >= from || seconds < to;
      return inside ? summer : standard;
    },
  };
}

function bare(name: string): string {
  return name.replace(/^<|>$/g, "");
}

/** `3`, `-5:30`, `3:0:15` as seconds. */
function readDuration(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  const total = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith("-") ? -total : total;
}

function readChange(text: string): Change | undefined {
  const match = /^M(\d+)\.(\d)\.(\d)(?:\/(.+))?$/.exec(text);
  if (match === null) return undefined;
  const [, month, week, weekday, time = "2"] = match;
  return {
    month: Number(month),
    week: Number(week),
    weekday: Number(weekday),
    second: readDuration(time),
  };
}

/** The change of a year on the zone's own clock, as if that were UTC. */
function instantOf({ month, week, weekday, second }: Change, year: number): number {
  const first = daysFromCivil(year, month, 1);
  const length = daysFromCivil(year, month + 1, 1) - first;
  // 1970-01-01 was a Thursday.
  const shift = (((weekday - first - 4) % 7) + 7) % 7;
  let day = shift + (week - 1) * 7;
  if (day >= length) day -= 7;
  return (first + day) * 86_400 + second;
}
