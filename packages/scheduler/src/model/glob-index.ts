import { compilePattern, UnitsError } from "@flotilla/units";

/** One glob of Conflicts= or Replaces=, however many units declare it. */
export class Glob {
  /** Never used twice, so that it stands for the glob in keys. */
  readonly id: number;
  readonly pattern: string;
  /** What every matching name begins with. */
  readonly literal: string;
  /** It has no wildcard: `literal` is the one name that matches. */
  readonly exact: boolean;
  declarers = 0;
  readonly #test: (name: string) => boolean;

  constructor(id: number, pattern: string) {
    const meta = pattern.search(META);
    this.id = id;
    this.pattern = pattern;
    this.literal = meta < 0 ? pattern : pattern.slice(0, meta);
    this.exact = meta < 0;
    this.#test = this.exact ? (name) => name === pattern : matcher(pattern);
  }

  matches(name: string): boolean {
    return this.#test(name);
  }
}

const META = /[*?[\\]/;

/**
 * All globs of Conflicts= and Replaces=, so that a unit's name finds those that match it without
 * trying every one: exact names by a map, the rest by their literal beginning.
 */
export class GlobIndex {
  readonly #globs = new Map<string, Glob>();
  /** Length of the literal beginning → that beginning → its globs with wildcards. */
  readonly #byPrefix = new Map<number, Map<string, Glob[]>>();
  #lastId = 0;

  /** The one object that stands for the glob, with one declarer more. */
  declare(pattern: string): Glob {
    let glob = this.#globs.get(pattern);
    if (glob === undefined) {
      glob = new Glob(++this.#lastId, pattern);
      this.add(glob);
    }
    glob.declarers++;
    return glob;
  }

  /** Takes over a glob of another index. */
  add(glob: Glob): void {
    this.#globs.set(glob.pattern, glob);
    if (glob.exact) return;
    const { length } = glob.literal;
    let prefixes = this.#byPrefix.get(length);
    if (prefixes === undefined) {
      prefixes = new Map();
      this.#byPrefix.set(length, prefixes);
    }
    const globs = prefixes.get(glob.literal);
    if (globs === undefined) prefixes.set(glob.literal, [glob]);
    else globs.push(glob);
  }

  /** One declarer less; true when that was the last one, and the glob is forgotten. */
  release(glob: Glob): boolean {
    glob.declarers--;
    if (glob.declarers > 0) return false;
    this.#globs.delete(glob.pattern);
    if (glob.exact) return true;
    const prefixes = this.#byPrefix.get(glob.literal.length);
    const left = prefixes?.get(glob.literal)?.filter((other) => other !== glob) ?? [];
    if (left.length > 0) prefixes?.set(glob.literal, left);
    else prefixes?.delete(glob.literal);
    if (prefixes?.size === 0) this.#byPrefix.delete(glob.literal.length);
    return true;
  }

  /** The globs that match the name. */
  matching(name: string): Glob[] {
    const found: Glob[] = [];
    const exact = this.#globs.get(name);
    if (exact?.exact) found.push(exact);
    for (const [length, prefixes] of this.#byPrefix) {
      if (length > name.length) continue;
      const globs = prefixes.get(length === name.length ? name : name.slice(0, length));
      if (globs === undefined) continue;
      for (const glob of globs) if (glob.matches(name)) found.push(glob);
    }
    return found;
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
