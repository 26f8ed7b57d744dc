import type { Glob } from "./glob-index.js";
import type { UnitNode } from "./unit-node.js";

/** `web@`: the units whose names begin so, and the globs that no other name can match. */
export interface Template {
  readonly prefix: string;
  readonly units: UnitNode[];
  globs: readonly Glob[];
}

/** `web@` of `web@1.service`; undefined for what holds no "@". */
export function templateOf(name: string): string | undefined {
  const at = name.indexOf("@");
  return at < 0 ? undefined : name.slice(0, at + 1);
}

/** The templates that there are units or globs of. */
export class Templates {
  readonly #byPrefix = new Map<string, Template>();
  /** Names often come sorted, so that one is like the last. */
  #last: Template | undefined;

  /** The template of a name or of a glob's literal beginning; undefined where it has none. */
  of(name: string): Template | undefined {
    if (this.#last !== undefined && name.startsWith(this.#last.prefix)) return this.#last;
    const prefix = templateOf(name);
    if (prefix === undefined) return undefined;
    let template = this.#byPrefix.get(prefix);
    if (template === undefined) {
      template = { prefix, units: [], globs: [] };
      this.#byPrefix.set(prefix, template);
    }
    this.#last = template;
    return template;
  }

  /** Forgets the template when nothing is left of it. */
  prune(template: Template): void {
    if (template.units.length + template.globs.length > 0) return;
    this.#byPrefix.delete(template.prefix);
    if (this.#last === template) this.#last = undefined;
  }
}
