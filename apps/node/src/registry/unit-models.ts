import type { Diagnostic, MachineSpecifiers, UnitModel } from "@flotilla/units";
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
  readonly #specifiers: MachineSpecifiers;
  readonly #cache = new Map<string, { readonly hash: string; readonly parsed: ParsedUnit }>();

  constructor(specifiers: MachineSpecifiers = {}) {
    this.#specifiers = specifiers;
  }

  get(name: string, unit: { readonly hash: string; readonly content: string }): ParsedUnit {
    const known = this.#cache.get(name);
    if (known?.hash === unit.hash) return known.parsed;
    const parsed = parseUnit(name, unit.content, this.#specifiers);
    this.#cache.set(name, { hash: unit.hash, parsed });
    return parsed;
  }

  keepOnly(names: { has(name: string): boolean }): void {
    for (const name of this.#cache.keys()) if (!names.has(name)) this.#cache.delete(name);
  }
}

export function parseUnit(
  name: string,
  content: string,
  specifiers: MachineSpecifiers = {},
): ParsedUnit {
  const file = parseUnitFile(content, { file: name });
  const { unit, diagnostics } = loadUnit(name, file, { specifiers });
  return { model: unit, diagnostics };
}
