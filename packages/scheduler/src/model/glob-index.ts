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
  /** Only names of this template can match; undefined when any can. */
  readonly template: string | undefined;
  declarers = 0;
  readonly #test: (name: string) => boolean;

  constructor(id: number, pattern: string) {
    const meta = pattern.search(META);
    this.id = id;
    this.pattern = pattern;
    this.literal = meta < 0 ? pattern : pattern.slice(0, meta);
    this.exact = meta < 0;
    this.template = templateOf(this.literal);
    this.#test = this.exact ? (name) => name === pattern : matcher(pattern);
  }

  matches(name: string): boolean {
    return this.#test(name);
  }
}

/** `web@` of `web@1.service`; undefined for what holds no "@". */
export function templateOf(name: string): string | undefined {
  const at = name.indexOf("@");
  return at < 0 ? undefined : name.slice(0, at + 1);
}

const NONE: readonly Glob[] = [];
const META = /[*?[\\]/;

/**
 * All globs of Conflicts= and Replaces=, so that a unit's name finds those that match it without
 * trying every one: exact names and templates by maps, the rest by their literal beginning.
 */
export class GlobIndex {
  readonly #globs = new Map<string, Glob>();
  /** Template → its globs with wildcards. */
  readonly #byTemplate = new Map<string, Glob[]>();
  /** Length of the literal beginning → that beginning → the other globs with wildcards. */
  readonly #byPrefix = new Map<number, Map<string, Glob[]>>();
  #lastId = 0;

  /** The one object that stands for the glob, with one declarer more. */
  declare(pattern: string): Glob {
    let glob = this.#globs.get(pattern);
    if (glob === undefined) {
      glob = new Glob(++this.#lastId, pattern);
      this.#globs.set(pattern, glob);
      if (!glob.exact) this.#add(glob);
    }
    glob.declarers++;
    return glob;
  }

  /** One declarer less; true when that was the last one, and the glob is forgotten. */
  release(glob: Glob): boolean {
    glob.declarers--;
    if (glob.declarers > 0) return false;
    this.#globs.delete(glob.pattern);
    if (!glob.exact) this.#remove(glob);
    return true;
  }

  /** The globs that match the name, whose template is given as well. */
  matching(name: string, template: string | undefined = templateOf(name)): readonly Glob[] {
    const exact = this.#globs.get(name);
    let found: Glob[] | undefined = exact?.exact ? [exact] : undefined;
    const take = (globs: readonly Glob[] | undefined): void => {
      if (globs === undefined) return;
      for (const glob of globs) {
        if (!glob.matches(name)) continue;
        if (found === undefined) found = [glob];
        else found.push(glob);
      }
    };
    if (template !== undefined) take(this.#byTemplate.get(template));
    for (const [length, prefixes] of this.#byPrefix) {
      if (length <= name.length) take(prefixes.get(name.slice(0, length)));
    }
    return found ?? NONE;
  }

  #add(glob: Glob): void {
    const globs = this.#homeOf(glob);
    const key = glob.template ?? glob.literal;
    const known = globs.get(key);
    if (known === undefined) globs.set(key, [glob]);
    else known.push(glob);
  }

  #remove(glob: Glob): void {
    const globs = this.#homeOf(glob);
    const key = glob.template ?? glob.literal;
    const left = (globs.get(key) ?? []).filter((other) => other !== glob);
    if (left.length > 0) globs.set(key, left);
    else globs.delete(key);
    if (globs.size === 0 && glob.template === undefined) {
      this.#byPrefix.delete(glob.literal.length);
    }
  }

  #homeOf({ template, literal }: Glob): Map<string, Glob[]> {
    if (template !== undefined) return this.#byTemplate;
    let prefixes = this.#byPrefix.get(literal.length);
    if (prefixes === undefined) {
      prefixes = new Map();
      this.#byPrefix.set(literal.length, prefixes);
    }
    return prefixes;
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
