import { UnitsError } from "../errors.js";

/** Linux's PATH_MAX and NAME_MAX, in bytes. */
const PATH_BYTES_MAX = 4096;
const COMPONENT_BYTES_MAX = 255;

const SLASH = 47;
const DASH = 45;
const BACKSLASH = 92;

const SAFE = /[0-9A-Za-z:_.]/;

/**
 * Makes any text fit for a unit name, as systemd-escape(1): `/` becomes `-`, and a leading dot and
 * every other byte that is not a letter, digit, `:`, `_` or `.` becomes `\xhh`. With `path` the
 * slashes at the ends and repeated ones go first, and the root is `-`.
 *
 * @throws UnitsError "invalid-escape" when a path is `.` or holds `..`.
 * @example
 * ```ts
 * escapeUnitName("/var/lib/web data", { path: true }); // "var-lib-web\\x20data"
 * ```
 */
export function escapeUnitName(text: string, options: { path?: boolean } = {}): string {
  if (options.path !== true) return escapeBytes(text);
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  const nowhere = parts.length === 0 && text !== "" && !text.startsWith("/");
  if (nowhere || parts.includes("..") || !fitsPath(parts.map(byteLength))) {
    const message = `${JSON.stringify(text)} cannot be escaped as a path.`;
    throw new UnitsError("invalid-escape", message, { hint: "Give a path without `..`." });
  }
  return parts.length === 0 ? "-" : escapeBytes(parts.join("/"));
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** `sizes`: the bytes of each part. */
function fitsPath(sizes: readonly number[]): boolean {
  const total = sizes.reduce((sum, size) => sum + size + 1, 0);
  return total < PATH_BYTES_MAX && sizes.every((size) => size <= COMPONENT_BYTES_MAX);
}

/**
 * The text that `escapeUnitName` was given; with `path` an absolute path.
 *
 * @throws UnitsError "invalid-escape" for a backslash that does not begin `\xhh`, or bytes that are
 * not UTF-8.
 */
export function unescapeUnitName(name: string, options: { path?: boolean } = {}): string {
  const bytes = unescapeUnitNameBytes(name, options);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const message = `${JSON.stringify(name)} does not unescape to UTF-8.`;
    throw new UnitsError("invalid-escape", message, { cause });
  }
}

/**
 * As `unescapeUnitName`, whatever the bytes are; as in C, an escaped NUL ends them.
 *
 * @throws UnitsError "invalid-escape"
 */
export function unescapeUnitNameBytes(name: string, options: { path?: boolean } = {}): Uint8Array {
  if (options.path !== true) return unescapeBytes(name);
  if (name === "-") return Uint8Array.of(SLASH);
  if (name === "") throw invalidEscape(name, "It is empty.");
  const bytes = unescapeBytes(name);
  const parts = String.fromCharCode(...bytes).split("/");
  // A name that begins with an escaped NUL is the root.
  const odd = (part: string): boolean => part === "" || part === "." || part === "..";
  if (bytes.length > 0 && (parts.some(odd) || !fitsPath(parts.map((part) => part.length)))) {
    throw invalidEscape(name, "It is not the escaped form of a normal path.");
  }
  return Uint8Array.of(SLASH, ...bytes);
}

function escapeBytes(text: string): string {
  let escaped = "";
  for (const [index, byte] of [...new TextEncoder().encode(text)].entries()) {
    const char = String.fromCharCode(byte);
    if (char === "/") escaped += "-";
    else if (SAFE.test(char) && !(index === 0 && char === ".")) escaped += char;
    else escaped += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return escaped;
}

function unescapeBytes(name: string): Uint8Array {
  const source = new TextEncoder().encode(name);
  const bytes: number[] = [];
  for (let at = 0; at < source.length; at++) {
    const byte = source[at]!;
    if (byte === DASH) {
      bytes.push(SLASH);
    } else if (byte === BACKSLASH) {
      const digits = String.fromCharCode(...source.subarray(at + 1, at + 4));
      const hex = /^x([0-9a-fA-F]{2})$/.exec(digits);
      if (hex === null) throw invalidEscape(name, "A backslash must begin \\xhh.");
      bytes.push(Number.parseInt(hex[1]!, 16));
      at += 3;
    } else {
      bytes.push(byte);
    }
  }
  const end = bytes.indexOf(0);
  return Uint8Array.from(end === -1 ? bytes : bytes.slice(0, end));
}

function invalidEscape(name: string, hint: string): UnitsError {
  return new UnitsError("invalid-escape", `${JSON.stringify(name)} is not escaped text.`, { hint });
}
