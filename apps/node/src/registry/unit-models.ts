import { type Placement, readPlacement } from "@flotilla/scheduler";
import type { Diagnostic, UnitModel } from "@flotilla/units";
import { isValidUnitName, loadUnit, parseUnitFile, parseUnitName } from "@flotilla/units";

const NOTHING_READ: ReturnType<typeof readPlacement> = {
  placement: { requests: {} },
  diagnostics: [],
};

export interface ParsedUnit {
  readonly model: UnitModel | undefined;
  /** What the unit says of where it wants to run, beyond fleet's options. */
  readonly placement: Placement;
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

  forget(name: string): void {
    this.#cache.delete(name);
  }

  keepOnly(names: { has(name: string): boolean }): void {
    for (const name of this.#cache.keys()) if (!names.has(name)) this.#cache.delete(name);
  }
}

/** What the cluster reads of a unit. Specifiers that a machine decides stand as they are until it runs there. */
export function parseUnit(name: string, content: string): ParsedUnit {
  const file = parseUnitFile(content, { file: name });
  const read = isValidUnitName(name) ? readPlacement(parseUnitName(name), file) : NOTHING_READ;
  const { unit, diagnostics } = loadUnit(name, file);
  const model = read.diagnostics.length > 0 ? undefined : unit;
  const all = [...diagnostics, ...read.diagnostics];
  return { model, placement: read.placement, diagnostics: all };
}
