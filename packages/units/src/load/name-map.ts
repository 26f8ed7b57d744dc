import { tryParseUnitName } from "../names/unit-name.js";
import { resolveLink, type UnitFileSystem } from "./file-system.js";

/** What a name in the search path leads to. */
export type NameEntry =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "alias"; readonly target: string; readonly path: string }
  | { readonly kind: "masked"; readonly path: string };

/** Aliases that may lead to one another. */
const ALIASES_MAX = 16;

/** The unit names of a search path; those in an earlier folder hide the same in later ones. */
export class NameMap {
  readonly #entries = new Map<string, NameEntry>();

  constructor(fileSystem: UnitFileSystem, paths: readonly string[]) {
    for (const folder of paths) {
      for (const name of fileSystem.readFolder(folder) ?? []) {
        if (this.#entries.has(name) || tryParseUnitName(name) === undefined) continue;
        const entry = readEntry(fileSystem, folder, name, paths);
        if (entry !== undefined) this.#entries.set(name, entry);
      }
    }
  }

  /** Every name that is a file of its own. */
  get files(): readonly string[] {
    return [...this.#entries].filter(([, { kind }]) => kind === "file").map(([name]) => name);
  }

  /**
   * The file of a unit, and the name that it has there once aliases are followed. An instance without
   * a file of its own has its template's.
   */
  find(name: string): { id: string; entry: NameEntry } | undefined {
    let id = name;
    for (let step = 0; step < ALIASES_MAX; step++) {
      const parsed = tryParseUnitName(id);
      const entry =
        this.#entries.get(id) ??
        (parsed?.template === undefined ? undefined : this.#entries.get(parsed.template));
      if (entry === undefined) return undefined;
      if (entry.kind !== "alias") return { id, entry };
      id = instantiate(entry.target, parsed?.instance);
    }
    return undefined;
  }

  /** Other names of the unit. */
  aliases(id: string): readonly string[] {
    const instance = tryParseUnitName(id)?.instance;
    const found: string[] = [];
    for (const [name, entry] of this.#entries) {
      if (entry.kind !== "alias") continue;
      const own = instantiate(name, instance);
      if (own !== id && !own.includes("@.") && this.find(own)?.id === id) found.push(own);
    }
    return found;
  }
}

/** A template named where an instance is meant is that instance of it. */
function instantiate(name: string, instance: string | undefined): string {
  const parsed = tryParseUnitName(name);
  if (parsed?.isTemplate !== true || !instance) return name;
  return `${parsed.prefix}@${instance}.${parsed.type}`;
}

function readEntry(
  fileSystem: UnitFileSystem,
  folder: string,
  name: string,
  paths: readonly string[],
): NameEntry | undefined {
  const path = `${folder}/${name}`;
  const link = fileSystem.readLink(path);
  if (link !== undefined) {
    const target = resolveLink(path, link);
    if (target === "/dev/null") return { kind: "masked", path };
    const base = target.slice(target.lastIndexOf("/") + 1);
    // A link to a file elsewhere is that file ("linked"), under the name that the link has.
    const within = paths.includes(target.slice(0, target.lastIndexOf("/")));
    if (within && base !== name && sameType(base, name)) {
      return { kind: "alias", target: base, path };
    }
  }
  const text = fileSystem.readFile(path);
  if (text === undefined) return undefined;
  return text === "" ? { kind: "masked", path } : { kind: "file", path };
}

function sameType(one: string, other: string): boolean {
  const type = tryParseUnitName(one)?.type;
  return type !== undefined && type === tryParseUnitName(other)?.type;
}
