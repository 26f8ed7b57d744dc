import {
  type CalendarComponent,
  type CalendarField,
  type CalendarSpec,
  SECOND_MICROSECONDS,
} from "./spec.js";
import { defaultTimeZones, type TimeZones } from "./time-zone.js";

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/**
 * The normalised form that `systemd-analyze calendar` prints.
 *
 * @example
 * ```ts
 * formatCalendar(parseCalendar("weekly")); // "Mon *-*-* 00:00:00"
 * ```
 */
export function formatCalendar(
  spec: CalendarSpec,
  zones: Pick<TimeZones, "local"> = defaultTimeZones(),
): string {
  const { weekdays, year, month, day, endOfMonth, hour, minute, microsecond } = spec;
  const date = `${field(year, 4)}-${field(month, 2)}${endOfMonth ? "~" : "-"}${field(day, 2)}`;
  const time = `${field(hour, 2)}:${field(minute, 2)}:${seconds(microsecond)}`;
  const days = weekdays === undefined ? "" : `${formatWeekdays(weekdays)} `;
  return `${days}${date} ${time}${zoneSuffix(spec, zones)}`;
}

function zoneSuffix({ zone, isDst }: CalendarSpec, zones: Pick<TimeZones, "local">): string {
  if (zone !== undefined) return ` ${zone}`;
  return isDst === undefined ? "" : ` ${zones.local.abbreviations[isDst ? 1 : 0]}`;
}

/** Two days in a row are listed, more are a range. */
function formatWeekdays(bits: number): string {
  const parts: string[] = [];
  for (let day = 0; day < WEEKDAYS.length; day++) {
    if ((bits & (1 << day)) === 0) continue;
    let last = day;
    while ((bits & (1 << (last + 1))) !== 0) last++;
    const separator = last > day + 1 ? ".." : ",";
    parts.push(last === day ? WEEKDAYS[day]! : `${WEEKDAYS[day]}${separator}${WEEKDAYS[last]}`);
    day = last;
  }
  return parts.join(",");
}

function field(values: CalendarField, width: number): string {
  if (values === undefined) return "*";
  return values.map((one) => component(one, 1, (value) => pad(value, width))).join(",");
}

function seconds(values: CalendarField): string {
  const every = values?.some(
    ({ start, stop, repeat }) =>
      start === 0 && stop === undefined && repeat === SECOND_MICROSECONDS,
  );
  if (values === undefined || every === true) return "*";
  const show = (value: number): string => `${pad(whole(value), 2)}${fraction(value)}`;
  return values.map((one) => component(one, SECOND_MICROSECONDS, show)).join(",");
}

/** `unit` is the step that ranges have when they name none. */
function component(
  { start, stop, repeat = 0 }: CalendarComponent,
  unit: number,
  show: (value: number) => string,
): string {
  const end = stop !== undefined && stop > 0 ? `..${show(stop)}` : "";
  const step =
    repeat === 0 || (end !== "" && repeat === unit)
      ? ""
      : unit === 1
        ? `/${repeat}`
        : `/${whole(repeat)}${fraction(repeat)}`;
  return `${show(start)}${end}${step}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function whole(microseconds: number): number {
  return Math.floor(microseconds / SECOND_MICROSECONDS);
}

function fraction(microseconds: number): string {
  const rest = microseconds % SECOND_MICROSECONDS;
  return rest === 0 ? "" : `.${pad(rest, 6)}`;
}
