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

const UNITS: ReadonlyMap<string, bigint> = new Map(
  (
    [
      ["usec us μs µs", 1n],
      ["msec ms", MILLISECOND],
      ["seconds second sec s", SECOND],
      ["minutes minute min m", MINUTE],
      ["hours hour hr h", HOUR],
      ["days day d", DAY],
      ["weeks week w", WEEK],
      ["months month M", MONTH],
      ["years year y", YEAR],
    ] as const
  ).flatMap(([names, size]) => names.split(" ").map((name) => [name, size] as const)),
);

/** Letters of the longest unit. */
const UNIT_LENGTH_MAX = 7;

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
 * @throws UnitsError "invalid-value", or "out-of-range" for a negative span and one that does not
 * fit 64 bits.
 */
export function parseMicroseconds(text: string, defaultUnit: bigint = SECOND): bigint {
  const span = readMicroseconds(text, defaultUnit);
  if (typeof span === "bigint") return span;
  const shown = JSON.stringify(text);
  if (span === "out-of-range") {
    const hint = "Time spans are positive, and infinity is one, too.";
    throw new UnitsError("out-of-range", `The time span ${shown} is out of range.`, { hint });
  }
  const hint = "Write it as 90, 1min 30s, 500ms or infinity.";
  throw new UnitsError("invalid-value", `${shown} is not a time span.`, { hint });
}

/** As `parseMicroseconds`, with a word for what cannot be read. */
export function readMicroseconds(
  text: string,
  defaultUnit: bigint = SECOND,
): bigint | "invalid" | "out-of-range" {
  let at = skipBlank(text, 0);
  if (text.startsWith("infinity", at)) {
    return skipBlank(text, at + 8) === text.length ? MICROSECONDS_INFINITY : "invalid";
  }
  if (at === text.length) return "invalid";
  let total = 0n;
  while (at < text.length) {
    if (text[at] === "-") return "out-of-range";
    const wholeAt = text[at] === "+" && isDigit(text, at + 1) ? at + 1 : at;
    const wholeEnd = skipDigits(text, wholeAt);
    if (exceedsInt64(text, wholeAt, wholeEnd)) return "out-of-range";
    const dotted = text[wholeEnd] === ".";
    if (wholeEnd === wholeAt && !dotted) return "invalid";
    const end = dotted ? skipDigits(text, wholeEnd + 1) : wholeEnd;
    const unitAt = skipBlank(text, end);
    const unit = readUnit(text, unitAt);
    if (unit === undefined && unitAt === end && unitAt < text.length) return "invalid";
    const size = unit?.size ?? defaultUnit;
    const value = scaled(text.slice(wholeAt, wholeEnd), text.slice(wholeEnd + 1, end), size);
    if (value === undefined || value >= MICROSECONDS_INFINITY - total) return "out-of-range";
    if (dotted && end === wholeEnd + 1) return "invalid";
    total += value;
    at = skipBlank(text, unit?.end ?? unitAt);
  }
  return total;
}

/** The longest unit that begins there. */
function readUnit(text: string, at: number): { size: bigint; end: number } | undefined {
  let end = at;
  while (end < text.length && end - at < UNIT_LENGTH_MAX && isUnitLetter(text, end)) end++;
  for (; end > at; end--) {
    const size = UNITS.get(text.slice(at, end));
    if (size !== undefined) return { size, end };
  }
  return undefined;
}

/** Vertical white space is what the C library skips before a number. */
function skipBlank(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r\v\f".includes(text[at]!)) at++;
  return at;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text, at)) at++;
  return at;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isUnitLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 97 && code <= 122) || code === 77 || code === 0x3bc || code === 0xb5;
}

function exceedsInt64(text: string, from: number, to: number): boolean {
  return to - from > 18 && BigInt(text.slice(from, to)) > 2n ** 63n - 1n;
}

function scaled(whole: string, fraction: string, factor: bigint): bigint | undefined {
  const units = BigInt(whole === "" ? 0 : whole);
  if (units >= MICROSECONDS_INFINITY / factor) return undefined;
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
