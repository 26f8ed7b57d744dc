import type { UnitType } from "../types.js";
import type { KeySpec, KeyTable } from "./value-type.js";

/** A section: its keys, and the types of unit that have it (all when absent). */
export interface SectionSpec {
  readonly keys: KeyTable;
  readonly types?: readonly UnitType[];
}

/** The sections of one kind of file, and their keys, by name. */
export class SectionTable {
  readonly sections: Readonly<Record<string, SectionSpec>>;
  /** Maps, so that names such as `constructor` find nothing. */
  readonly #keys: ReadonlyMap<string, ReadonlyMap<string, KeySpec>>;

  constructor(sections: Readonly<Record<string, SectionSpec>>) {
    this.sections = sections;
    this.#keys = new Map(
      Object.entries(sections).map(([name, { keys }]) => [name, new Map(Object.entries(keys))]),
    );
  }

  /** The row of a key, if the section and the key are known. */
  key(section: string, key: string): KeySpec | undefined {
    return this.#keys.get(section)?.get(key);
  }

  /** The rows of a section by key; undefined for an unknown one. */
  keys(section: string): ReadonlyMap<string, KeySpec> | undefined {
    return this.#keys.get(section);
  }

  /** The section of that name, if known. */
  section(name: string): SectionSpec | undefined {
    return this.#keys.has(name) ? this.sections[name] : undefined;
  }

  get names(): readonly string[] {
    return Object.keys(this.sections);
  }
}
