import { UnitsError } from "../errors.js";

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
  if (nowhere || parts.includes("..")) {
    const message = `${JSON.stringify(text)} cannot be escaped as a path.`;
    throw new UnitsError("invalid-escape", message, { hint: "Give a path without `..`." });
  }
  return parts.length === 0 ? "-" : escapeBytes(parts.join("/"));
}

/**
 * The text that `escapeUnitName` was given; with `path` an absolute path.
 *
 * @throws UnitsError "invalid-escape" for a backslash that does not begin `\xhh`, or bytes that are
 * not UTF-8.
 */
export function unescapeUnitName(name: string, options: { path?: boolean } = {}): string {
  if (options.path !== true) return unescapeBytes(name);
  if (name === "-") return "/";
  if (name === "") throw invalidEscape(name, "It is empty.");
  const path = unescapeBytes(name);
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw invalidEscape(name, "It is not the escaped form of a normal path.");
  }
  return `/${path}`;
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

function unescapeBytes(name: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < name.length; at++) {
    const char = name[at]!;
    if (char === "-") {
      bytes.push(47);
    } else if (char === "\\") {
      const hex = /^x([0-9a-fA-F]{2})/.exec(name.slice(at + 1, at + 4));
      if (hex === null) throw invalidEscape(name, "A backslash must begin \\xhh.");
      bytes.push(Number.parseInt(hex[1]!, 16));
      at += 3;
    } else {
      bytes.push(...new TextEncoder().encode(char));
    }
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch (cause) {
    const message = `${JSON.stringify(name)} does not unescape to UTF-8.`;
    throw new UnitsError("invalid-escape", message, { cause });
  }
}

function invalidEscape(name: string, hint: string): UnitsError {
  return new UnitsError("invalid-escape", `${JSON.stringify(name)} is not escaped text.`, { hint });
}
