import { compilePattern, UnitsError } from "@flotilla/units";

interface Glob {
  readonly id: number;
  readonly matches: (name: string) => boolean;
}

const META = /[*?[\\]/;

/**
 * All globs of Conflicts= and Replaces=, so that a unit's name finds those that match it without
 * trying every one: exact names by a map, the rest by their literal beginning.
 */
export class PatternIndex {
  readonly #ids = new Map<string, number>();
  readonly #exact = new Map<string, number>();
  /** Length of the literal beginning → that beginning → its globs. */
  readonly #byPrefix = new Map<number, Map<string, Glob[]>>();

  /** The number that stands for the glob; equal globs have the same. */
  add(pattern: string): number {
    const known = this.#ids.get(pattern);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(pattern, id);
    const literal = pattern.search(META);
    if (literal < 0) this.#exact.set(pattern, id);
    else this.#addGlob(pattern.slice(0, literal), pattern, id);
    return id;
  }

  /** The globs that match the name, ascending. */
  matching(name: string): readonly number[] {
    const found: number[] = [];
    const exact = this.#exact.get(name);
    if (exact !== undefined) found.push(exact);
    for (const [length, prefixes] of this.#byPrefix) {
      for (const { id, matches } of prefixes.get(name.slice(0, length)) ?? []) {
        if (matches(name)) found.push(id);
      }
    }
    return found.length > 1 ? found.sort((a, b) => a - b) : found;
  }

  #addGlob(prefix: string, pattern: string, id: number): void {
    const prefixes = this.#byPrefix.get(prefix.length) ?? new Map<string, Glob[]>();
    const globs = prefixes.get(prefix) ?? [];
    globs.push({ id, matches: matcher(pattern) });
    prefixes.set(prefix, globs);
    this.#byPrefix.set(prefix.length, prefixes);
  }
}

/**
 * By far most globs have one star and nothing else, which comparing the ends decides. A malformed
 * glob matches nothing, as in fleet: `@flotilla/units` reports it when the file is read.
 */
function matcher(pattern: string): (name: string) => boolean {
  if (META.exec(pattern.replace("*", "")) === null) return oneStar(pattern);
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (UnitsError.is(error)) return () => false;
    throw error;
  }
}

function oneStar(pattern: string): (name: string) => boolean {
  const star = pattern.indexOf("*");
  const before = pattern.slice(0, star);
  const after = pattern.slice(star + 1);
  return (name) =>
    name.length >= before.length + after.length &&
    name.startsWith(before) &&
    name.endsWith(after) &&
    !name.slice(star, name.length - after.length).includes("/");
}
