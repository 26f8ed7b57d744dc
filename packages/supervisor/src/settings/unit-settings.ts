import {
  type Assignment,
  expandSpecifiers,
  findKey,
  type MachineSpecifiers,
  parseBoolean,
  parseTimeSpan,
  splitWords,
  type UnitFile,
  type UnitName,
  UnitsError,
  type ValueContext,
} from "@flotilla/units";

/** What a file sets a key to, in the order of the file. */
export interface SettingValue {
  readonly key: string;
  readonly value: string;
}

/**
 * The settings of a unit that its typed model does not carry, by systemd's rules for assignments: an
 * empty value clears what came before, the last of a scalar counts, specifiers are replaced. What is
 * wrong with a value was told when the unit was loaded; here it does not count.
 */
export class UnitSettings {
  readonly name: UnitName;
  readonly #file: UnitFile;
  readonly #machine: MachineSpecifiers;

  constructor(name: UnitName, file: UnitFile, machine: MachineSpecifiers) {
    this.name = name;
    this.#file = file;
    this.#machine = machine;
  }

  /** The names of the keys that a section sets. */
  keys(section: string): ReadonlySet<string> {
    return new Set(this.#in(section).map(({ key }) => key));
  }

  /** All values of some keys that count, expanded; an empty one clears those of its own key. */
  all(section: string, keys: readonly string[]): readonly SettingValue[] {
    let found: SettingValue[] = [];
    for (const { key, value } of this.#in(section)) {
      if (!keys.includes(key)) continue;
      if (value === "") found = found.filter((one) => one.key !== key);
      else if (this.#isValid(section, key, value)) found.push({ key, value: this.expand(value) });
    }
    return found;
  }

  last(section: string, key: string): string | undefined {
    return this.all(section, [key]).at(-1)?.value;
  }

  flag(section: string, key: string, otherwise = false): boolean {
    const value = this.last(section, key);
    return (value === undefined ? undefined : parsed(() => parseBoolean(value))) ?? otherwise;
  }

  /** Milliseconds. */
  span(section: string, key: string, otherwise: number): number {
    const value = this.last(section, key);
    return (value === undefined ? undefined : parsed(() => parseTimeSpan(value))) ?? otherwise;
  }

  number(section: string, key: string, otherwise: number, base = 10): number {
    const value = Number.parseInt(this.last(section, key) ?? "", base);
    return Number.isNaN(value) ? otherwise : value;
  }

  words(section: string, key: string): readonly string[] {
    return this.all(section, [key]).flatMap(({ value }) => splitWords(value));
  }

  expand(text: string): string {
    return expandSpecifiers(text, this.name, this.#machine).text;
  }

  #in(section: string): readonly Assignment[] {
    return this.#file.assignments.filter((one) => one.section === section);
  }

  #isValid(section: string, key: string, value: string): boolean {
    const context: ValueContext = {
      unit: this.name,
      key,
      report: () => undefined,
      expand: (text) => expandSpecifiers(text, this.name, this.#machine).text,
    };
    return findKey(section, key)?.type.read(value, context) !== undefined;
  }
}

/** Undefined for what cannot be read: it does not count. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (UnitsError.is(error)) return undefined;
    throw error;
  }
}
