/**
 * systemd's boolean: 1, yes, y, true, t, on and 0, no, n, false, f, off, in any case. Undefined for
 * anything else.
 */
export function parseBoolean(text: string): boolean | undefined {
  switch (text.toLowerCase()) {
    case "1":
    case "yes":
    case "y":
    case "true":
    case "t":
    case "on":
      return true;
    case "0":
    case "no":
    case "n":
    case "false":
    case "f":
    case "off":
      return false;
    default:
      return undefined;
  }
}

const SUFFIXES = ["E", "P", "T", "G", "M", "K", "B", ""];
const SIZE_MAX = 2n ** 64n - 1n;

/**
 * A size in bytes such as `512M` or `1G500M`: suffixes K M G T P E in descending order, by `base`
 * 1024 (the default: memory and most others) or 1000. Undefined when it cannot be read or does not
 * fit 64 bits; sizes over 2^53 are rounded.
 *
 * @example
 * ```ts
 * parseSize("1G500M"); // 1598029824
 * ```
 */
export function parseSize(text: string, base: 1000 | 1024 = 1024): number | undefined {
  let total = 0n;
  let first = 0;
  let at = 0;
  do {
    const match = /^[ \t\n\r]*\+?(\d+)(?:\.(\d*))?[ \t\n\r]*/.exec(text.slice(at));
    if (match === null) return undefined;
    at += match[0].length;
    const index = SUFFIXES.findIndex((suffix, i) => i >= first && text.startsWith(suffix, at));
    if (index === -1) return undefined;
    const power = Math.max(0, 6 - index);
    const factor = BigInt(base) ** BigInt(power);
    const fraction = Number(`0.${match[2] || "0"}`);
    total += BigInt(match[1]!) * factor + BigInt(Math.trunc(fraction * Number(factor)));
    if (total > SIZE_MAX) return undefined;
    at += SUFFIXES[index]!.length;
    first = index + 1;
  } while (at < text.length);
  return Number(total);
}

/** `12.5%`, `125‰` or `1250‱` as percent; at most two decimals of a percent. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+)(?:\.(\d{1,2}))?(%|‰|‱)$/.exec(text);
  if (match === null) return undefined;
  const [, whole, decimals = "", sign] = match;
  const allowed = sign === "%" ? 2 : sign === "‰" ? 1 : 0;
  if (decimals.length > allowed) return undefined;
  const scale = sign === "%" ? 1 : sign === "‰" ? 10 : 100;
  const percent = Math.round(Number(`${whole}.${decimals || "0"}`) * (100 / scale)) / 100;
  return percent * 100 > 0x7fff_ffff ? undefined : percent;
}

/** A decimal, `0x`, `0o`, `0b` or octal (leading 0) number, as systemd's safe_ato*() read it. */
export function parseInteger(text: string, min: number, max: number): number | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const [, sign, digits] = match;
  const octal = /^0[0-7]+$/.test(digits!) ? `0o${digits!.slice(1)}` : digits!;
  const value = sign === "-" ? -Number(octal) : Number(octal);
  return value < min || value > max ? undefined : value;
}

/** File mode bits in octal, up to 7777. */
export function parseMode(text: string): number | undefined {
  if (!/^[0-7]+$/.test(text)) return undefined;
  const mode = Number.parseInt(text, 8);
  return mode > 0o7777 ? undefined : mode;
}
