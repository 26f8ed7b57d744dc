import type { TimeZone } from "./time-zone.js";

/** A time on a clock with a calendar beside it; fields may overflow until it is made an instant. */
export interface CivilTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** Whether daylight saving is meant; undefined: whatever holds then. */
  isDst: boolean | undefined;
}

const DAY_SECONDS = 86_400;

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar; `day` may overflow. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const months = year * 12 + (month - 1);
  const date = new Date(0);
  date.setUTCFullYear(Math.floor(months / 12), ((months % 12) + 12) % 12, 1);
  return date.getTime() / (DAY_SECONDS * 1000) + (day - 1);
}

/** 0 is Monday. */
export function weekdayOf(seconds: number): number {
  const days = Math.floor(seconds / DAY_SECONDS);
  return (((days + 3) % 7) + 7) % 7;
}

/** The fields as seconds, as if they were UTC. */
export function plainSeconds({ year, month, day, hour, minute, second }: CivilTime): number {
  return daysFromCivil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}

/** What the zone's clock shows at an instant. */
export function toCivil(zone: TimeZone, seconds: number): CivilTime {
  const { offset, isDst } = zone.at(seconds);
  const date = new Date((seconds + offset) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    isDst,
  };
}

/** Tries before a clock counts as one that cannot show the time. */
const PROBES_MAX = 6;
/** Steps in which a neighbouring time with the wanted kind of clock is looked for, and how far. */
const STRIDE_SECONDS = 601_200;
const SEARCH_SECONDS = 536_454_000 / 2 + STRIDE_SECONDS;

/**
 * Turns clock times of one zone into instants as C's mktime(3) does in glibc, which systemd relies
 * on: among the two readings of an hour that comes twice the one whose offset was met last, and for
 * an hour that is left out the time moved by what was left out.
 */
export class Clock {
  readonly zone: TimeZone;
  /** The offset that the last answer had: the next search begins there. */
  #offset = 0;

  constructor(zone: TimeZone) {
    this.zone = zone;
  }

  /** The instant in seconds; undefined where none fits. */
  toSeconds(time: CivilTime): number | undefined {
    const wanted = plainSeconds(time);
    const found = this.#search(wanted, time.isDst);
    if (found === undefined) return undefined;
    const seconds = found.exact ? this.#withDst(found.at, wanted, time.isDst) : found.at;
    this.#offset = this.zone.at(seconds).offset;
    return seconds;
  }

  /** Corrects a guess by its error until nothing is left of it. */
  #search(wanted: number, isDst: boolean | undefined): { at: number; exact: boolean } | undefined {
    let at = wanted - this.#offset;
    let before = at;
    let last = at;
    let lastDst = false;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const moment = this.zone.at(at);
      const error = wanted - (at + moment.offset);
      if (error === 0) return { at, exact: true };
      const prefers = isDst === undefined ? !lastDst || moment.isDst : isDst !== moment.isDst;
      // Going to and fro between two clocks, the time lies in the gap between them.
      if (at === before && at !== last && prefers) return { at, exact: false };
      before = last;
      last = at;
      at += error;
      lastDst = moment.isDst;
    }
    return undefined;
  }

  #withDst(found: number, wanted: number, isDst: boolean | undefined): number {
    if (isDst === undefined || this.zone.at(found).isDst === isDst) return found;
    for (let delta = STRIDE_SECONDS; delta < SEARCH_SECONDS; delta += STRIDE_SECONDS) {
      for (const other of [found - delta, found + delta]) {
        const { offset, isDst: kind } = this.zone.at(other);
        if (kind === isDst) return wanted - offset;
      }
    }
    return found;
  }
}
