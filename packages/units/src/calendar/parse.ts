import { UnitsError } from "../errors.js";
import { WEEKDAYS } from "./format.js";
import {
  type CalendarComponent,
  type CalendarField,
  type CalendarSpec,
  COMPONENTS_MAX,
  isPossible,
  normalizeSpec,
  SECOND_MICROSECONDS,
} from "./spec.js";
import { defaultTimeZones, type TimeZones } from "./time-zone.js";

const INT_MAX = 0x7fff_ffff;
const UINT64_MAX = 2n ** 64n - 1n;
/** The instants whose year is a 32-bit number, as the C library's calendar has it. */
const INSTANT_MAX = 67767976233532799n;
const INSTANT_MIN = -67768040609740800n;

/**
 * Reads a calendar expression such as `Mon..Fri 9:00`, `*-*~1`, `hourly` or `*:0/15 Europe/Berlin`
 * (systemd.time(7), "Calendar Events"), normalised.
 *
 * @param zones - where its zone is looked up, and which is the local one.
 * @throws UnitsError "invalid-value", "out-of-range" for numbers that are too large, "too-many-values".
 * @example
 * ```ts
 * formatCalendar(parseCalendar("Sat,Sun 12")); // throws: a time has a colon
 * formatCalendar(parseCalendar("Sat,Sun 12:00")); // "Sat,Sun *-*-* 12:00:00"
 * ```
 */
export function parseCalendar(text: string, zones: TimeZones = defaultTimeZones()): CalendarSpec {
  const { expression, ...zone } = splitZone(text, zones);
  const known = SHORTHANDS[expression.toLowerCase()];
  const parts = known ?? new CalendarReader(expression).read();
  const spec = normalizeSpec({ ...ANY, ...zone, ...parts });
  if (!isPossible(spec)) throw invalid(text, "It names a time that never is.");
  return spec;
}

const ANY: CalendarSpec = {
  year: undefined,
  month: undefined,
  day: undefined,
  endOfMonth: false,
  hour: undefined,
  minute: undefined,
  microsecond: undefined,
};

const at = (...values: number[]): CalendarField => values.map((start) => ({ start }));
const ON_THE_MINUTE = { microsecond: at(0) };
const ON_THE_HOUR = { ...ON_THE_MINUTE, minute: at(0) };
const AT_MIDNIGHT = { ...ON_THE_HOUR, hour: at(0) };
const ON_THE_FIRST = { ...AT_MIDNIGHT, day: at(1) };
const YEARLY = { ...ON_THE_FIRST, month: at(1) };
const HALF_YEARLY = { ...ON_THE_FIRST, month: at(1, 7) };

const SHORTHANDS: Readonly<Record<string, Partial<CalendarSpec> | undefined>> = {
  // Not an object of Object.prototype: `constructor` is no expression.
  __proto__: null as unknown as undefined,
  minutely: ON_THE_MINUTE,
  hourly: ON_THE_HOUR,
  daily: AT_MIDNIGHT,
  weekly: { ...AT_MIDNIGHT, weekdays: 1 },
  monthly: ON_THE_FIRST,
  quarterly: { ...ON_THE_FIRST, month: at(1, 4, 7, 10) },
  annually: YEARLY,
  yearly: YEARLY,
  // systemd once misspelt it, and keeps to that.
  anually: YEARLY,
  biannually: HALF_YEARLY,
  "bi-annually": HALF_YEARLY,
  semiannually: HALF_YEARLY,
  "semi-annually": HALF_YEARLY,
};

/** UTC, one of the names of local time, or a zone of the tz database at the end. */
function splitZone(
  text: string,
  zones: TimeZones,
): { expression: string; zone?: string; isDst?: boolean } {
  const lower = text.toLowerCase();
  if (lower.endsWith(" utc")) return { expression: text.slice(0, -4), zone: "UTC" };
  for (const [index, name] of zones.local.abbreviations.entries()) {
    if (name !== "" && lower.endsWith(` ${name.toLowerCase()}`)) {
      return { expression: text.slice(0, -name.length - 1), isDst: index === 1 };
    }
  }
  const space = text.lastIndexOf(" ");
  const zone = text.slice(space + 1);
  if (space === -1 || zone === "" || zones.find(zone) === undefined) return { expression: text };
  return { expression: text.slice(0, space), zone };
}

class CalendarReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Partial<CalendarSpec> {
    if (this.#text === "") throw this.#invalid("It is empty.");
    const weekdays = this.#weekdays();
    if (this.#peek() === "@") return { weekdays, ...this.#timestamp() };
    const date = this.#date();
    const parts = { weekdays, ...date, ...this.#time() };
    if (this.#at < this.#text.length) throw this.#invalid("Something stands behind the time.");
    return parts;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #skipSpaces(): void {
    while (this.#peek() === " ") this.#at++;
  }

  /** `Mon..Wed,Sat`; `Mon-Wed` is an older spelling. 0 where there are none. */
  #weekdays(): number {
    let bits = 0;
    let rangeFrom: number | undefined;
    for (let first = true; ; first = false) {
      const day = this.#weekday();
      if (day === undefined) {
        if (first) return 0;
        throw this.#invalid("A weekday is missing.");
      }
      if (rangeFrom !== undefined && rangeFrom > day) throw this.#invalid("Weeks begin on Monday.");
      for (let one = rangeFrom ?? day; one <= day; one++) bits |= 1 << one;
      const next = this.#peek();
      if (next === "." || next === "-") {
        const length = next === "." ? 2 : 1;
        const dots = next === "-" || this.#text[this.#at + 1] === ".";
        if (rangeFrom !== undefined || !dots) throw this.#invalid("Ranges are written Mon..Fri.");
        rangeFrom = day;
        this.#at += length;
      } else if (next === ",") {
        rangeFrom = undefined;
        this.#at++;
      } else {
        rangeFrom = undefined;
      }
      if (this.#peek() !== "" && this.#peek() !== " ") continue;
      if (rangeFrom !== undefined) throw this.#invalid("A range of weekdays has no end.");
      this.#skipSpaces();
      return bits;
    }
  }

  #weekday(): number | undefined {
    const rest = this.#text.slice(this.#at, this.#at + 9).toLowerCase();
    const day = WEEKDAYS.findIndex((name) => rest.startsWith(name.toLowerCase()));
    if (day === -1) return undefined;
    const name = FULL_WEEKDAYS[day]!;
    this.#at += rest.startsWith(name) ? name.length : 3;
    if (!["", "-", ".", ",", " "].includes(this.#peek())) {
      throw this.#invalid("A weekday is not spelt as Mon or Monday.");
    }
    return day;
  }

  /** `@1700000000`: one instant, seconds since 1970. */
  #timestamp(): Partial<CalendarSpec> {
    const match = /^@[ \t\n\v\f\r]*([+-]?)(\d+)/.exec(this.#text.slice(this.#at));
    if (match === null) throw this.#invalid("Behind @ stand seconds since 1970.");
    const [all, sign, digits] = match;
    const unsigned = BigInt(digits!);
    if (unsigned > UINT64_MAX) throw this.#outOfRange();
    // As C reads it: the number wraps around.
    const seconds = BigInt.asIntN(64, sign === "-" ? -unsigned : unsigned);
    if (seconds > INSTANT_MAX || seconds < INSTANT_MIN) throw this.#outOfRange();
    this.#at += all.length;
    const date = new Date(Number(seconds) * 1000);
    if (this.#at < this.#text.length || seconds < 0n || Number.isNaN(date.getTime())) {
      throw this.#invalid("An instant is alone, from 1970 to 2199.");
    }
    return {
      zone: "UTC",
      year: at(date.getUTCFullYear()),
      month: at(date.getUTCMonth() + 1),
      day: at(date.getUTCDate()),
      hour: at(date.getUTCHours()),
      minute: at(date.getUTCMinutes()),
      microsecond: at(date.getUTCSeconds() * SECOND_MICROSECONDS),
    };
  }

  /** `year-month-day` or `month-day`; nothing when it is a time that comes first. */
  #date(): Partial<CalendarSpec> {
    const begin = this.#at;
    if (this.#peek() === "") return {};
    const first = this.#field(false);
    if (this.#peek() === "" || this.#peek() === ":") {
      this.#at = begin;
      return {};
    }
    const early = this.#dateSeparator();
    const second = this.#field(false);
    if (this.#peek() === "" || this.#peek() === " ") {
      this.#skipSpaces();
      return { month: first, day: second, endOfMonth: early };
    }
    if (early) throw this.#invalid("Only a day can be counted from the month's end.");
    const endOfMonth = this.#dateSeparator();
    const third = this.#field(false);
    if (this.#peek() !== "" && this.#peek() !== " ") throw this.#invalid("A date has three parts.");
    this.#skipSpaces();
    return { year: first, month: second, day: third, endOfMonth };
  }

  /** True for `~`. */
  #dateSeparator(): boolean {
    const char = this.#peek();
    if (char !== "-" && char !== "~") throw this.#invalid("Parts of a date are parted by - or ~.");
    this.#at++;
    return char === "~";
  }

  #time(): Partial<CalendarSpec> {
    if (this.#peek() === "") return AT_MIDNIGHT;
    const hour = this.#field(false);
    this.#colon();
    const minute = this.#field(false);
    if (this.#peek() === "") return { ...ON_THE_MINUTE, hour, minute };
    this.#colon();
    return { hour, minute, microsecond: this.#field(true) };
  }

  #colon(): void {
    if (this.#peek() !== ":") throw this.#invalid("Parts of a time are parted by colons.");
    this.#at++;
  }

  #field(seconds: boolean): CalendarField {
    if (this.#peek() === "*") {
      this.#at++;
      return seconds ? [{ start: 0, repeat: SECOND_MICROSECONDS }] : undefined;
    }
    const found: CalendarComponent[] = [];
    for (;;) {
      if (found.length >= COMPONENTS_MAX) throw this.#tooMany();
      found.push(this.#component(seconds));
      if (this.#peek() !== ",") return found;
      this.#at++;
    }
  }

  #component(seconds: boolean): CalendarComponent {
    const start = this.#number(seconds);
    let stop: number | undefined;
    let repeat = 0;
    if (this.#text.startsWith("..", this.#at)) {
      this.#at += 2;
      stop = this.#number(seconds);
      repeat = seconds ? SECOND_MICROSECONDS : 1;
    }
    if (this.#peek() === "/") {
      this.#at++;
      repeat = this.#number(seconds);
      if (repeat === 0) throw this.#outOfRange("Repetitions begin with 1.");
    } else {
      if (start > INT_MAX - repeat) throw this.#outOfRange();
      if (seconds && stop !== undefined && start + repeat > stop) {
        throw this.#invalid("A range of less than a second needs a repetition.");
      }
    }
    if (!["", " ", ",", "-", "~", ":"].includes(this.#peek())) {
      throw this.#invalid("A number is followed by something that cannot stand there.");
    }
    return {
      start,
      ...(stop === undefined ? {} : { stop }),
      ...(repeat === 0 ? {} : { repeat }),
    };
  }

  /** A number; with `seconds` one that may have decimals, in microseconds. */
  #number(seconds: boolean): number {
    const digits = this.#digits();
    if (digits === "") throw this.#invalid("A number is missing.");
    let value = BigInt(digits);
    if (value > UINT64_MAX) throw this.#outOfRange();
    if (seconds) {
      value *= BigInt(SECOND_MICROSECONDS);
      if (value > UINT64_MAX) throw this.#outOfRange();
      if (this.#peek() === "." && this.#text[this.#at + 1] !== ".") {
        this.#at++;
        const decimals = this.#digits();
        if (decimals === "") throw this.#invalid("Decimals are missing.");
        // Six decimals count, the seventh rounds them.
        value += BigInt(Math.floor(Number(decimals.padEnd(7, "0").slice(0, 7)) / 10 + 0.5));
      }
    }
    if (value > BigInt(INT_MAX)) throw this.#outOfRange();
    return Number(value);
  }

  #digits(): string {
    const begin = this.#at;
    while (this.#peek() >= "0" && this.#peek() <= "9") this.#at++;
    return this.#text.slice(begin, this.#at);
  }

  #invalid(hint: string): UnitsError {
    return invalid(this.#text, hint);
  }

  #tooMany(): UnitsError {
    const message = `${JSON.stringify(this.#text)} lists too many values.`;
    const hint = `A field has at most ${COMPONENTS_MAX}.`;
    return new UnitsError("too-many-values", message, { hint });
  }

  #outOfRange(hint = "A number is too large."): UnitsError {
    return new UnitsError("out-of-range", `${JSON.stringify(this.#text)} is out of range.`, {
      hint,
    });
  }
}

const FULL_WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;

function invalid(text: string, hint: string): UnitsError {
  const message = `${JSON.stringify(text)} is not a calendar expression.`;
  return new UnitsError("invalid-value", message, { hint });
}
