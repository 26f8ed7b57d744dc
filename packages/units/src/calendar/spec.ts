/** One value, range or repetition: `5`, `5..9`, `5..20/3`, `5/3`. Seconds are in microseconds. */
export interface CalendarComponent {
  readonly start: number;
  readonly stop?: number;
  readonly repeat?: number;
}

/** The values that a part of a time may have; undefined: any. */
export type CalendarField = readonly CalendarComponent[] | undefined;

/**
 * A calendar expression, normalised: what stands behind `OnCalendar=` (systemd.time(7), "Calendar
 * Events"). Made by `parseCalendar`.
 */
export interface CalendarSpec {
  /** Bits from Monday (1) to Sunday (64); undefined: every day. */
  readonly weekdays?: number;
  readonly year: CalendarField;
  readonly month: CalendarField;
  /** Counted from the month's end (1 is its last day) with `endOfMonth`. */
  readonly day: CalendarField;
  readonly endOfMonth: boolean;
  readonly hour: CalendarField;
  readonly minute: CalendarField;
  readonly microsecond: CalendarField;
  /** The zone that it names; undefined: the local one. */
  readonly zone?: string;
  /** Local standard or daylight-saving time was named (as `CET` or `CEST`). */
  readonly isDst?: boolean;
}

export const SECOND_MICROSECONDS = 1_000_000;
export const YEAR_MIN = 1970;
/** No expression elapses later. */
export const YEAR_MAX = 2199;
export const EVERY_WEEKDAY = 127;
/** Most values that one field may list. */
export const COMPONENTS_MAX = 241;

/** Ranges end on a repetition, values are in order and there once, years have four digits. */
export function normalizeSpec(spec: CalendarSpec): CalendarSpec {
  const { weekdays = 0, isDst, zone } = spec;
  return {
    ...(weekdays > 0 && weekdays < EVERY_WEEKDAY ? { weekdays } : {}),
    year: normalizeField(spec.year?.map(fullYears)),
    month: normalizeField(spec.month),
    day: normalizeField(spec.day),
    endOfMonth: spec.endOfMonth && spec.day !== undefined,
    hour: normalizeField(spec.hour),
    minute: normalizeField(spec.minute),
    microsecond: normalizeField(spec.microsecond),
    ...(zone === undefined ? {} : { zone }),
    ...(isDst === undefined ? {} : { isDst }),
  };
}

function fullYears(component: CalendarComponent): CalendarComponent {
  const { start, stop, ...rest } = component;
  return {
    start: fullYear(start),
    ...(stop === undefined ? {} : { stop: fullYear(stop) }),
    ...rest,
  };
}

/** 12 is 2012, 89 is 1989. */
function fullYear(year: number): number {
  if (year >= 100) return year;
  return year < 70 ? year + 2000 : year + 1900;
}

function normalizeField(field: CalendarField): CalendarField {
  if (field === undefined) return undefined;
  const sorted = field.map(trimRange).sort(compareComponents);
  return sorted.filter((one, at) => at === 0 || compareComponents(one, sorted[at - 1]!) !== 0);
}

/** A range ends on its last repetition; one that has none is its start alone. */
function trimRange(component: CalendarComponent): CalendarComponent {
  const { start, stop, repeat = 0 } = component;
  if (stop === undefined) return component;
  const last = stop > start && repeat > 0 ? stop - ((stop - start) % repeat) : stop;
  if (last === start) return { start };
  return { start, stop: last, ...(repeat > 0 ? { repeat } : {}) };
}

function compareComponents(a: CalendarComponent, b: CalendarComponent): number {
  const stops = (a.stop ?? -1) - (b.stop ?? -1);
  return a.start - b.start || stops || (a.repeat ?? 0) - (b.repeat ?? 0);
}

/** False for what can never be: day 32, a repetition longer than the field. */
export function isPossible(spec: CalendarSpec): boolean {
  const { year, month, day, hour, minute, microsecond, endOfMonth } = spec;
  return (
    fits(year, YEAR_MIN, YEAR_MAX) &&
    fits(month, 1, 12) &&
    (endOfMonth ? fitsFromEnd(day) : fits(day, 1, 31)) &&
    fits(hour, 0, 23) &&
    fits(minute, 0, 59) &&
    fits(microsecond, 0, 60 * SECOND_MICROSECONDS - 1)
  );
}

function fits(field: CalendarField, min: number, max: number): boolean {
  return (field ?? []).every(({ start, stop, repeat = 0 }) => {
    if (start < min || start > max || repeat > max - min) return false;
    return stop === undefined
      ? start + repeat <= max
      : stop >= min && stop <= max && start + repeat <= stop;
  });
}

/**
 * Every month has 28 days to count back from its end. systemd takes three more off for each further
 * value of a list, so that `*~17,21,22,23` is refused; so is it here.
 */
function fitsFromEnd(field: CalendarField): boolean {
  return (field ?? []).every(({ start, stop, repeat = 0 }, index) => {
    const max = 28 - 3 * index;
    if (max < 1 || start < 1 || start > max || repeat > max - 1) return false;
    return stop === undefined
      ? start - repeat >= 1
      : stop >= 1 && stop <= max && start + repeat <= stop;
  });
}
