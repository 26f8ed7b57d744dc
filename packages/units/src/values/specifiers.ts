import { UnitsError } from "../errors.js";
import { unescapeUnitName } from "../names/escape.js";
import type { MachineSpecifiers, UnitName } from "../types.js";

/** Every specifier that systemd 252 knows in unit files (systemd.unit(5), "Specifiers"). */
const KNOWN = "aAbBCdEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY";

/** Those that are safe in unit names, and so in dependencies. */
export const NAME_SPECIFIERS = "abABgGHijlmMnNopquUvwW";

/** What came of an expansion; whatever could not be replaced is kept in the text. */
export interface Expansion {
  readonly text: string;
  /** Specifiers that do not exist or are not allowed here, as `%x`: systemd refuses the value. */
  readonly unknown: readonly string[];
  /** Specifiers that exist but whose value nobody gave; kept as text. */
  readonly unresolved: readonly string[];
  /** Specifiers whose value cannot be made, as `%I` of a name that does not unescape. */
  readonly failed: readonly string[];
}

/**
 * Replaces the specifiers in a text: those of the name (`%n %N %p %P %i %I %j %J %f`) from `name`,
 * the machine's from `machine` (by letter: `{ H: "host1" }`), `%%` by `%`.
 *
 * @param allowed - the letters that may stand here; all by default.
 * @example
 * ```ts
 * expandSpecifiers("808%i", parseUnitName("web@1.service")).text; // "8081"
 * ```
 */
export function expandSpecifiers(
  text: string,
  name: UnitName,
  machine: MachineSpecifiers = {},
  allowed: string = KNOWN,
): Expansion {
  if (!text.includes("%")) return { text, unknown: [], unresolved: [], failed: [] };
  const unknown: string[] = [];
  const unresolved: string[] = [];
  const failed: string[] = [];
  const expanded = text.replace(/%([\s\S])/gu, (whole, letter: string) => {
    if (letter === "%") return "%";
    if (!allowed.includes(letter)) {
      if (/[A-Za-z0-9]/.test(letter)) unknown.push(whole);
      return whole;
    }
    try {
      const value = fromName(letter, name) ?? machine[letter];
      if (value !== undefined) return value;
      unresolved.push(whole);
    } catch (error) {
      if (!UnitsError.is(error)) throw error;
      failed.push(whole);
    }
    return whole;
  });
  return { text: expanded, unknown, unresolved, failed };
}

function fromName(letter: string, unit: UnitName): string | undefined {
  const instance = unit.instance ?? "";
  switch (letter) {
    case "n":
      return unit.name;
    case "N":
      return unit.name.slice(0, -(unit.type.length + 1));
    case "p":
      return unit.prefix;
    case "P":
      return unescapeUnitName(unit.prefix);
    case "i":
      return instance;
    case "I":
      return unescapeUnitName(instance);
    case "j":
      return lastComponent(unit.prefix);
    case "J":
      return unescapeUnitName(lastComponent(unit.prefix));
    case "f":
      return asPath(unit);
    default:
      return undefined;
  }
}

function lastComponent(prefix: string): string {
  return prefix.slice(prefix.lastIndexOf("-") + 1);
}

/** `%f`: the instance, or else the prefix, unescaped as a path. */
function asPath(unit: UnitName): string {
  return unescapeUnitName(unit.instance || unit.prefix, { path: true });
}
