import type { Diagnostic, UnitModel } from "@flotilla/units";
import { loadUnit, parseUnitFile } from "@flotilla/units";

export interface ParsedUnit {
  readonly model: UnitModel | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parsed unit files by name and hash, so that a reconcile parses only what changed. Bounded: a
 * name holds one entry, and names that are gone are dropped by {@link UnitModels.keepOnly}.
 */
export class UnitModels {
  readonly #cache = new Map<string, { readonly hash: string; readonly parsed: ParsedUnit }>();

  get(name: string, unit: { readonly hash: string; readonly content: string }): ParsedUnit {
    const known = this.#cache.get(name);
    if (known?.hash === unit.hash) return known.parsed;
    const parsed = parseUnit(name, unit.content);
    this.#cache.set(name, { hash: unit.hash, parsed });
    return parsed;
  }

  keepOnly(names: { has(name: string): boolean }): void {
    for (const name of this.#cache.keys()) if (!names.has(name)) this.#cache.delete(name);
  }
}

/** What the cluster reads of a unit. Specifiers that a machine decides stand as they are until it runs there. */
export function parseUnit(name: string, content: string): ParsedUnit {
  const { unit, diagnostics } = loadUnit(name, parseUnitFile(content, { file: name }));
  return { model: unit, diagnostics };
}
