import { compilePattern, UnitsError } from "@flotilla/units";
import { type Template, Templates } from "./templates.js";

const META = /[*?[\\]/;
const NONE: readonly Glob[] = [];

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
  readonly template: Template | undefined;
  declarers = 0;
  readonly #test: (name: string) => boolean;

  constructor(id: number, pattern: string, templates: Templates) {
    const meta = pattern.search(META);
    this.id = id;
    this.pattern = pattern;
    this.literal = meta < 0 ? pattern : pattern.slice(0, meta);
    this.exact = meta < 0;
    this.template = this.exact ? undefined : templates.of(this.literal);
    this.#test = this.exact ? (name) => name === pattern : matcher(pattern);
  }

  matches(name: string): boolean {
    return this.#test(name);
  }
}

/**
 * All globs of Conflicts= and Replaces=, so that a unit's name finds those that match it without
 * trying every one: exact names and templates by maps, the rest by their literal beginning.
 */
export class GlobIndex {
  readonly #templates: Templates;
  readonly #globs = new Map<string, Glob>();
  readonly #exact = new Map<string, Glob>();
  /** Length of the literal beginning → that beginning → the globs that are of no template. */
  readonly #byPrefix = new Map<number, Map<string, Glob[]>>();
  #last: Glob | undefined;
  #lastId = 0;

  constructor(templates: Templates = new Templates()) {
    this.#templates = templates;
  }

  /** The one object that stands for the glob, with one declarer more. */
  declare(pattern: string): Glob {
    // Siblings come one after another, and declare the same.
    let glob = this.#last?.pattern === pattern ? this.#last : this.#globs.get(pattern);
    if (glob === undefined) {
      glob = new Glob(++this.#lastId, pattern, this.#templates);
      this.#globs.set(pattern, glob);
      this.#add(glob);
    }
    this.#last = glob;
    glob.declarers++;
    return glob;
  }

  /** One declarer less; true when that was the last one, and the glob is forgotten. */
  release(glob: Glob): boolean {
    glob.declarers--;
    if (glob.declarers > 0) return false;
    if (this.#last === glob) this.#last = undefined;
    this.#globs.delete(glob.pattern);
    this.#remove(glob);
    return true;
  }

  /** The globs that match the name, whose template may be given. */
  matching(
    name: string,
    template: Template | undefined = this.#templates.of(name),
  ): readonly Glob[] {
    const found: Glob[] = [];
    const exact = this.#exact.size === 0 ? undefined : this.#exact.get(name);
    if (exact !== undefined) found.push(exact);
    if (template !== undefined) takeMatching(template.globs, name, found);
    for (const [length, prefixes] of this.#byPrefix) {
      const globs = length > name.length ? undefined : prefixes.get(name.slice(0, length));
      if (globs !== undefined) takeMatching(globs, name, found);
    }
    return found.length === 0 ? NONE : found;
  }

  #add(glob: Glob): void {
    const { template, literal, exact } = glob;
    if (exact) this.#exact.set(literal, glob);
    else if (template !== undefined) template.globs = [...template.globs, glob];
    else {
      const prefixes = this.#byPrefix.get(literal.length) ?? new Map<string, Glob[]>();
      this.#byPrefix.set(literal.length, prefixes);
      prefixes.set(literal, [...(prefixes.get(literal) ?? []), glob]);
    }
  }

  #remove(glob: Glob): void {
    const { template, literal, exact } = glob;
    if (exact) this.#exact.delete(literal);
    else if (template !== undefined) {
      template.globs = template.globs.filter((other) => other !== glob);
      this.#templates.prune(template);
    } else {
      const prefixes = this.#byPrefix.get(literal.length)!;
      const left = prefixes.get(literal)!.filter((other) => other !== glob);
      if (left.length > 0) prefixes.set(literal, left);
      else prefixes.delete(literal);
      if (prefixes.size === 0) this.#byPrefix.delete(literal.length);
    }
  }
}

function takeMatching(globs: readonly Glob[], name: string, into: Glob[]): void {
  for (const glob of globs) if (glob.matches(name)) into.push(glob);
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
