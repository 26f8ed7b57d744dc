import { type LoadOptions, loadUnit } from "../model/load.js";
import { isValidUnitName, parseUnitName, tryParseUnitName } from "../names/unit-name.js";
import { parseUnitFile } from "../syntax/parse.js";
import type { UnitFile } from "../syntax/tree.js";
import type { Diagnostic, UnitModel } from "../types.js";
import { resolveLink, type UnitFileSystem } from "./file-system.js";
import { NameMap } from "./name-map.js";
import { folderNames, SYSTEM_UNIT_PATHS } from "./search-path.js";

export interface UnitStoreOptions extends LoadOptions {
  readonly fileSystem: UnitFileSystem;
  /** Folders to look in, the first before the others; systemd's for system units by default. */
  readonly paths?: readonly string[];
}

/** A unit as the search path has it. */
export interface StoredUnit {
  /** Its own name: what an alias leads to. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** `bad-setting`: there is a file, and an error in it. */
  readonly state: "loaded" | "masked" | "not-found" | "bad-setting";
  /** The file that it comes from. */
  readonly path?: string;
  readonly file?: UnitFile;
  /** In the order in which they count. */
  readonly dropIns: readonly { readonly path: string; readonly file: UnitFile }[];
  /** Units in its `.wants` and `.requires` folders; the model has them among its own. */
  readonly wants: readonly string[];
  readonly requires: readonly string[];
  readonly unit?: UnitModel;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The units of a search path, as systemd finds them: the first folder wins, links are aliases or
 * masks, instances come from templates, drop-ins are laid over (systemd.unit(5), "Unit File Load
 * Path"). The names are read once; make a new store to see what has changed.
 *
 * @example
 * ```ts
 * import { UnitStore } from "@flotilla/units";
 * import { nodeFileSystem } from "@flotilla/units/node";
 *
 * const store = new UnitStore({ fileSystem: nodeFileSystem() });
 * store.load("getty@tty1.service").unit?.service?.execStart;
 * ```
 */
export class UnitStore {
  readonly #fileSystem: UnitFileSystem;
  readonly #paths: readonly string[];
  readonly #options: LoadOptions;
  readonly #names: NameMap;

  constructor({ fileSystem, paths = SYSTEM_UNIT_PATHS, ...options }: UnitStoreOptions) {
    this.#fileSystem = fileSystem;
    this.#paths = paths;
    this.#options = options;
    this.#names = new NameMap(fileSystem, paths);
  }

  /** The names that have a file, templates included. */
  get names(): readonly string[] {
    return this.#names.files;
  }

  /**
   * Loads a unit by any of its names.
   *
   * @throws UnitsError "invalid-name"
   */
  load(name: string): StoredUnit {
    parseUnitName(name);
    const found = this.#names.find(name);
    const id = found?.id ?? name;
    const aliases = this.#names.aliases(id);
    const empty = { name: id, aliases, dropIns: [], wants: [], requires: [], diagnostics: [] };
    if (found?.entry.kind === "masked") {
      return { ...empty, state: "masked", path: found.entry.path };
    }
    const folders = [id, ...aliases];
    const dropIns = this.#dropIns(folders);
    const wants = this.#linked(folders, "wants");
    const requires = this.#linked(folders, "requires");
    const path = found?.entry.path;
    const text = path === undefined ? "" : (this.#fileSystem.readFile(path) ?? "");
    const file = parseUnitFile(text, { file: path ?? id });
    if (path === undefined && !ALONE.has(typeOf(id))) {
      return { ...empty, wants, requires, state: "not-found" };
    }
    const overlay = dropIns.map((one) => one.file);
    const { unit, diagnostics } = loadUnit(id, file, { ...this.#options, dropIns: overlay });
    return {
      ...{ name: id, aliases, dropIns, wants, requires, diagnostics },
      ...(path === undefined ? {} : { path, file }),
      state: unit === undefined ? "bad-setting" : "loaded",
      ...(unit === undefined ? {} : { unit: withLinked(unit, wants, requires) }),
    };
  }

  /** Drop-ins by base name; of those with the same the one in the more specific folder counts. */
  #dropIns(names: readonly string[]): { path: string; file: UnitFile }[] {
    const found = new Map<string, string>();
    for (const folder of this.#folders(names, "d")) {
      for (const name of this.#fileSystem.readFolder(folder) ?? []) {
        if (name.endsWith(".conf") && !found.has(name)) found.set(name, `${folder}/${name}`);
      }
    }
    const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([, path]) => {
      if (this.#isMasked(path)) return [];
      const text = this.#fileSystem.readFile(path);
      return text === undefined ? [] : [{ path, file: parseUnitFile(text, { file: path }) }];
    });
  }

  /** What is linked into the `.wants` or `.requires` folders of a unit. */
  #linked(names: readonly string[], suffix: "wants" | "requires"): string[] {
    const found = new Map<string, string>();
    for (const folder of this.#folders(names, suffix)) {
      for (const name of this.#fileSystem.readFolder(folder) ?? []) {
        if (isValidUnitName(name) && !found.has(name)) found.set(name, `${folder}/${name}`);
      }
    }
    return [...found]
      .filter(([, path]) => !this.#isMasked(path))
      .map(([name]) => name)
      .sort();
  }

  *#folders(names: readonly string[], suffix: string): Generator<string> {
    for (const name of names) {
      for (const path of this.#paths) {
        for (const own of folderNames(name)) yield `${path}/${own}.${suffix}`;
      }
    }
    const type = typeOf(names[0] ?? "");
    for (const path of this.#paths) yield `${path}/${type}.${suffix}`;
  }

  #isMasked(path: string): boolean {
    const link = this.#fileSystem.readLink(path);
    return link !== undefined && resolveLink(path, link) === "/dev/null";
  }
}

/** Types whose units need no file. */
const ALONE: ReadonlySet<string> = new Set(["slice", "device", "scope"]);

function typeOf(name: string): string {
  return tryParseUnitName(name)?.type ?? "";
}

function withLinked(
  model: UnitModel,
  wants: readonly string[],
  requires: readonly string[],
): UnitModel {
  if (wants.length === 0 && requires.length === 0) return model;
  const unit = {
    ...model.unit,
    wants: [...new Set([...model.unit.wants, ...wants])],
    requires: [...new Set([...model.unit.requires, ...requires])],
  };
  return { ...model, unit };
}
