import { UnitsError } from "../errors.js";
import type { UnitType } from "../types.js";
import { escapeUnitName } from "./escape.js";
import { sipHash24 } from "./siphash.js";
import { isValidUnitName, UNIT_NAME_LENGTH_MAX } from "./unit-name.js";

/**
 * The unit of a path: `/var/lib` is `var-lib.mount`. A name that would be too long ends in a hash,
 * as systemd's do.
 *
 * @throws UnitsError "invalid-escape" for a path with `..`, "invalid-name" where none comes of it.
 * @example
 * ```ts
 * unitNameOfPath("/dev/disk/by-label/a b", "device"); // "dev-disk-by\\x2dlabel-a\\x20b.device"
 * ```
 */
export function unitNameOfPath(path: string, type: UnitType): string {
  const name = `${escapeUnitName(path, { path: true })}.${type}`;
  const short = name.length > UNIT_NAME_LENGTH_MAX ? hashed(name, type) : name;
  if (isValidUnitName(short) && !short.includes("@")) return short;
  throw new UnitsError("invalid-name", `No unit name can be made of ${JSON.stringify(path)}.`);
}

/** The key with which systemd hashes names that are too long. */
const HASH_KEY = Uint8Array.of(
  ...[0xec, 0xf2, 0x37, 0xfb, 0x58, 0x32, 0x4a, 0x32, 0x84, 0x9f, 0x06, 0x9b, 0x0d, 0x21, 0xeb],
  0x9a,
);

function hashed(name: string, type: UnitType): string {
  // The NUL at the end of a C string counts.
  const hash = sipHash24(HASH_KEY, new TextEncoder().encode(`${name}\0`));
  const bytes = Array.from({ length: 8 }, (_, index) => Number((hash >> BigInt(8 * index)) & 255n));
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const length = UNIT_NAME_LENGTH_MAX - type.length - digits.length - 2;
  return `${name.slice(0, length)}_${digits}.${type}`;
}

/**
 * What a person probably meant by a word where a unit name belongs, as `systemctl` and
 * `systemd-escape --mangle` take it: a path is its mount (or its device, under /dev and /sys), a word
 * without a type is a service, and characters that cannot stand in a name are escaped.
 *
 * @throws UnitsError "invalid-name" where none comes of it.
 * @example
 * ```ts
 * mangleUnitName("web"); // "web.service"
 * mangleUnitName("/home"); // "home.mount"
 * ```
 */
export function mangleUnitName(text: string): string {
  if (text !== "" && isValidUnitName(text)) return text;
  if (text.startsWith("/")) {
    const found = nameOfPath(text, isDevicePath(text) ? "device" : "mount");
    if (found !== undefined) return found;
  }
  const escaped = mangleBytes(text);
  const name = isValidUnitName(escaped) ? escaped : `${escaped}.service`;
  if (text !== "" && isValidUnitName(name)) return name;
  throw new UnitsError("invalid-name", `No unit name can be made of ${JSON.stringify(text)}.`);
}

function nameOfPath(path: string, type: UnitType): string | undefined {
  try {
    return unitNameOfPath(path, type);
  } catch (error) {
    if (UnitsError.is(error)) return undefined;
    throw error;
  }
}

/** Something below /dev or /sys, dots and repeated slashes aside. */
function isDevicePath(path: string): boolean {
  const [first, second] = path.split("/").filter((part) => part !== "" && part !== ".");
  return (first === "dev" || first === "sys") && second !== undefined;
}

const KEPT = /[0-9A-Za-z:_.\\@-]/;

function mangleBytes(text: string): string {
  let mangled = "";
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    if (char === "/") mangled += "-";
    else mangled += KEPT.test(char) ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return mangled;
}
