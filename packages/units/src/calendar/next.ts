import { UnitsError } from "../errors.js";
import { type CivilTime, Clock, plainSeconds, toCivil, weekdayOf } from "./civil.js";
import { formatCalendar } from "./format.js";
import {
  type CalendarComponent,
  type CalendarField,
  type CalendarSpec,
  SECOND_MICROSECONDS,
  YEAR_MAX,
} from "./spec.js";
import { defaultTimeZones, type TimeZone, type TimeZones, UTC } from "./time-zone.js";

/** systemd's last time that it can print: the last second of 9999-12-30. */
export const TIMESTAMP_MAX = 253_402_214_399_000_000;

/** Rounds after which an expression counts as one that cannot be computed, as in systemd. */
const ROUNDS_MAX = 1000;

/**
 * When an expression elapses next after an instant, in microseconds since 1970-01-01 UTC; undefined
 * for never (2199 is the last year). Clock changes are systemd's: of an hour that comes twice the
 * reading in the offset at hand counts, and a time that the clock leaves out is passed over.
 *
 * @throws UnitsError "invalid-value" for an instant that is out of range, "endless" for an expression
 * whose next time cannot be found within 1000 steps.
 * @example
 * ```ts
 * const zones = intlTimeZones("Europe/Berlin");
 * nextElapse(parseCalendar("Mon 03:00", zones), Date.now() * 1000, zones);
 * ```
 */
export function nextElapse(
  spec: CalendarSpec,
  after: number,
  zones: TimeZones = defaultTimeZones(),
): number | undefined {
  if (!(after >= 0 && after <= TIMESTAMP_MAX)) {
    throw new UnitsError("invalid-value", `${after} is not an instant that systemd can compute.`);
  }
  const zone = zoneOf(spec, zones);
  const found = new Search(spec, zone).next(after + 1);
  if (found === "endless") {
    const message = `No end is found in computing ${formatCalendar(spec, zones)}.`;
    throw new UnitsError("endless", message);
  }
  return found;
}

/** The instants at which an expression elapses after one, the soonest first; ends with the last. */
export function* elapses(
  spec: CalendarSpec,
  after: number,
  zones: TimeZones = defaultTimeZones(),
): Generator<number, void> {
  let at = nextElapse(spec, after, zones);
  while (at !== undefined) {
    yield at;
    at = nextElapse(spec, at, zones);
  }
}

function zoneOf({ zone }: CalendarSpec, zones: TimeZones): TimeZone {
  if (zone === undefined) return zones.local;
  if (zone === "UTC") return UTC;
  const found = zones.find(zone);
  if (found === undefined) throw new UnitsError("invalid-value", `There is no time zone ${zone}.`);
  return found;
}

/** What came of bringing one field of the time forward to a value that the expression allows. */
type Step = "same" | "moved" | "none";

/** What came of asking whether the time exists: `moved` when a clock change moved it. */
type Existence = "exists" | "moved" | "none";

/** Units of the time from large to small; those behind a changed one begin anew. */
const UNITS = ["year", "month", "day", "hour", "minute", "second"] as const;
type Unit = (typeof UNITS)[number];

class Search {
  readonly #spec: CalendarSpec;
  readonly #clock: Clock;
  #time: CivilTime = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, isDst: false };
  #microsecond = 0;

  constructor(spec: CalendarSpec, zone: TimeZone) {
    this.#spec = spec;
    this.#clock = new Clock(zone);
  }

  next(from: number): number | "endless" | undefined {
    this.#time = toCivil(this.#clock.zone, Math.floor(from / SECOND_MICROSECONDS));
    this.#microsecond = from % SECOND_MICROSECONDS;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const outcome = this.#round();
      if (outcome === "never") return undefined;
      if (outcome === "again") continue;
      const seconds = this.#clock.toSeconds(this.#time);
      if (seconds === undefined || seconds < 0) return undefined;
      return seconds * SECOND_MICROSECONDS + this.#microsecond;
    }
    return "endless";
  }

  /** Brings each field forward in turn; a field that cannot be carries into the one above it. */
  #round(): "found" | "again" | "never" {
    this.#normalize();
    const { year, month, day, hour, minute } = this.#spec;
    if (this.#advance("year", year) === "none" || this.#exists() !== "exists") return "never";
    for (const [unit, field] of [
      ["month", month],
      ["day", day],
      ["hour", hour],
      ["minute", minute],
    ] as const) {
      const outcome = this.#settle(unit, this.#advance(unit, field));
      if (outcome !== "exists") return "again";
      if (unit === "day" && !this.#isWeekday()) {
        this.#carry("day");
        return "again";
      }
    }
    return this.#settle("second", this.#advanceSeconds()) === "exists" ? "found" : "again";
  }

  #normalize(): void {
    const seconds = this.#clock.toSeconds(this.#time);
    if (seconds !== undefined) {
      const shown = toCivil(this.#clock.zone, seconds);
      // Where winter is the zone's own time (Dublin), a time in a gap moves back: go on behind it.
      const back = Math.max(0, plainSeconds(this.#time) - plainSeconds(shown));
      this.#time = back === 0 ? shown : toCivil(this.#clock.zone, seconds + back);
    }
    this.#time.isDst = this.#spec.isDst;
  }

  #advance(unit: Unit, field: CalendarField): Step {
    const value = this.#earliest(field, this.#time[unit], unit === "day" && this.#spec.endOfMonth);
    if (value === undefined) return "none";
    if (value === this.#time[unit]) return "same";
    this.#time[unit] = value;
    this.#restart(unit);
    return "moved";
  }

  #advanceSeconds(): Step {
    const now = this.#time.second * SECOND_MICROSECONDS + this.#microsecond;
    const value = this.#earliest(this.#spec.microsecond, now, false);
    if (value === undefined) return "none";
    this.#time.second = Math.floor(value / SECOND_MICROSECONDS);
    this.#microsecond = value % SECOND_MICROSECONDS;
    return value === now ? "same" : "moved";
  }

  /** Carries into the next larger unit what has no place in this one. */
  #settle(unit: Unit, step: Step): Existence {
    const existence = step === "none" ? "none" : this.#exists();
    if (existence === "none") this.#carry(UNITS[UNITS.indexOf(unit) - 1]!);
    return existence;
  }

  #carry(unit: Unit): void {
    this.#time[unit]++;
    this.#restart(unit);
  }

  /** The units smaller than this one begin anew. */
  #restart(unit: Unit): void {
    for (const smaller of UNITS.slice(UNITS.indexOf(unit) + 1)) {
      this.#time[smaller] = smaller === "month" || smaller === "day" ? 1 : 0;
    }
    this.#microsecond = 0;
  }

  /** Where the clock never shows the time (day 31 of June, an hour left out), it goes on behind. */
  #exists(): Existence {
    const time = this.#time;
    if (time.year > YEAR_MAX) return "none";
    const seconds = this.#clock.toSeconds(time);
    if (seconds === undefined || seconds < 0) return "none";
    const shown = toCivil(this.#clock.zone, seconds);
    const index = UNITS.findIndex((unit) => shown[unit] !== time[unit]);
    const changed = UNITS[index];
    if (changed === undefined) return "exists";
    if (shown[changed] < time[changed]) return "none";
    // Only the unit below begins anew: the smaller ones already have, or were never set.
    const below = UNITS[index + 1];
    if (below !== undefined) shown[below] = below === "month" || below === "day" ? 1 : 0;
    this.#time = shown;
    return "moved";
  }

  #isWeekday(): boolean {
    const { weekdays } = this.#spec;
    if (weekdays === undefined) return true;
    const seconds = this.#clock.toSeconds(this.#time);
    if (seconds === undefined || seconds < 0) return false;
    const { offset } = this.#clock.zone.at(seconds);
    return (weekdays & (1 << weekdayOf(seconds + offset))) !== 0;
  }

  /** The least value from `from` on that the field allows. */
  #earliest(field: CalendarField, from: number, backwards: boolean): number | undefined {
    if (field === undefined) return from;
    let found: number | undefined;
    for (const one of field) {
      const value = earliestOf(backwards ? this.#fromEnd(one) : one, from);
      if (value !== undefined && (found === undefined || value < found)) found = value;
    }
    return found;
  }

  /** Days counted from the month's end as days of this month. */
  #fromEnd({ start, stop, repeat }: CalendarComponent): CalendarComponent {
    const { year, month } = this.#time;
    const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
    const first = length + 1 - start;
    const step = repeat === undefined ? {} : { repeat };
    if (stop === undefined) return { start: first, ...step };
    return { start: length + 1 - stop, stop: first, ...step };
  }
}

function earliestOf(
  { start, stop, repeat = 0 }: CalendarComponent,
  from: number,
): number | undefined {
  if (start >= from) return start;
  if (repeat === 0) return undefined;
  const value = start + repeat * Math.ceil((from - start) / repeat);
  return stop === undefined || value <= stop ? value : undefined;
}
