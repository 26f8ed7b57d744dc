import { UnitsError } from "../errors.js";

/** systemd's `infinity`, in microseconds: the largest 64-bit number. */
export const MICROSECONDS_INFINITY: bigint = 2n ** 64n - 1n;

const SECOND = 1_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;
const WEEK = 7n * DAY;
const MONTH = 2_629_800n * SECOND;
const YEAR = 31_557_600n * SECOND;
const MILLISECOND = 1000n;

/** Longest spelling first where one begins another. */
const UNITS: readonly (readonly [string, bigint])[] = [
  ["seconds", SECOND],
  ["second", SECOND],
  ["sec", SECOND],
  ["s", SECOND],
  ["minutes", MINUTE],
  ["minute", MINUTE],
  ["min", MINUTE],
  ["months", MONTH],
  ["month", MONTH],
  ["M", MONTH],
  ["msec", MILLISECOND],
  ["ms", MILLISECOND],
  ["m", MINUTE],
  ["hours", HOUR],
  ["hour", HOUR],
  ["hr", HOUR],
  ["h", HOUR],
  ["days", DAY],
  ["day", DAY],
  ["d", DAY],
  ["weeks", WEEK],
  ["week", WEEK],
  ["w", WEEK],
  ["years", YEAR],
  ["year", YEAR],
  ["y", YEAR],
  ["usec", 1n],
  ["us", 1n],
  ["µs", 1n],
];

/**
 * Reads a time span such as `5min 20s`, `1.5h` or `infinity` (systemd.time(7)) as milliseconds;
 * microseconds come as fractions, `infinity` as Infinity. A number without a unit is in seconds.
 *
 * @throws UnitsError "invalid-value"
 * @example
 * ```ts
 * parseTimeSpan("1min 500ms"); // 60500
 * ```
 */
export function parseTimeSpan(text: string): number {
  const span = parseMicroseconds(text);
  return span === MICROSECONDS_INFINITY ? Number.POSITIVE_INFINITY : Number(span) / 1000;
}

/**
 * The same exactly, in microseconds; `infinity` is {@link MICROSECONDS_INFINITY}.
 *
 * @throws UnitsError "invalid-value"
 */
export function parseMicroseconds(text: string, defaultUnit: bigint = SECOND): bigint {
  const span = readMicroseconds(text, defaultUnit);
  if (span === undefined) {
    const hint = "Write it as 90, 1min 30s, 500ms or infinity.";
    throw new UnitsError("invalid-value", `${JSON.stringify(text)} is not a time span.`, { hint });
  }
  return span;
}

/** As `parseMicroseconds`, undefined for what cannot be read. */
export function readMicroseconds(text: string, defaultUnit: bigint = SECOND): bigint | undefined {
  const blank = /[ \t\n\r]*/y;
  const number = /\+?(\d*)(?:\.(\d+))?/y;
  const skip = (from: number): number => {
    blank.lastIndex = from;
    blank.test(text);
    return blank.lastIndex;
  };
  let at = skip(0);
  if (/^infinity[ \t\n\r]*$/.test(text.slice(at))) return MICROSECONDS_INFINITY;
  if (at === text.length) return undefined;
  let total = 0n;
  while (at < text.length) {
    number.lastIndex = at;
    const [, whole = "", fraction = ""] = number.exec(text) ?? [];
    if (whole === "" && (fraction === "" || text[at] === "+")) return undefined;
    const behind = number.lastIndex;
    at = skip(behind);
    const unit = UNITS.find(([name]) => text.startsWith(name, at));
    if (unit === undefined && at === behind && at < text.length) return undefined;
    const factor = unit?.[1] ?? defaultUnit;
    const value = scaled(whole, fraction, factor);
    if (value === undefined || value >= MICROSECONDS_INFINITY - total) return undefined;
    total += value;
    at = skip(at + (unit?.[0].length ?? 0));
  }
  return total;
}

function scaled(whole: string, fraction: string, factor: bigint): bigint | undefined {
  const units = BigInt(whole === "" ? 0 : whole);
  if (units > 2n ** 63n - 1n || units >= MICROSECONDS_INFINITY / factor) return undefined;
  let value = units * factor;
  let digit = factor;
  // Each digit is rounded down on its own, as systemd does.
  for (const char of fraction) {
    digit /= 10n;
    value += BigInt(char) * digit;
  }
  return value;
}

const FORMAT_UNITS: readonly (readonly [string, bigint])[] = [
  ["y", YEAR],
  ["month", MONTH],
  ["w", WEEK],
  ["d", DAY],
  ["h", HOUR],
  ["min", MINUTE],
  ["s", SECOND],
  ["ms", MILLISECOND],
  ["us", 1n],
];

/**
 * Prints milliseconds as systemd does: `1min 30s`, `1.500000s`, `infinity`.
 *
 * @example
 * ```ts
 * formatTimeSpan(90_000); // "1min 30s"
 * ```
 */
export function formatTimeSpan(milliseconds: number): string {
  if (milliseconds === Number.POSITIVE_INFINITY) return "infinity";
  return formatMicroseconds(BigInt(Math.round(milliseconds * 1000)));
}

/** As `formatTimeSpan`, from microseconds. */
export function formatMicroseconds(microseconds: bigint): string {
  if (microseconds >= MICROSECONDS_INFINITY) return "infinity";
  if (microseconds <= 0n) return "0";
  const parts: string[] = [];
  let rest = microseconds;
  for (const [name, size] of FORMAT_UNITS) {
    if (rest < size) continue;
    const count = rest / size;
    const left = rest % size;
    if (rest < MINUTE && left > 0n) {
      const digits = name === "s" ? 6 : 3;
      parts.push(`${count}.${left.toString().padStart(digits, "0")}${name}`);
      break;
    }
    parts.push(`${count}${name}`);
    rest = left;
  }
  return parts.join(" ");
}
