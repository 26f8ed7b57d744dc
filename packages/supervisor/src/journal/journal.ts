import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.js";
import type { JournalEntry, JournalOptions } from "../types.js";
import type { NewEntry } from "./entry.js";
import { readJournal } from "./reader.js";
import { type JournalLimits, JournalWriter } from "./writer.js";

/** The journals of a machine's units: a folder each below `directory`. */
export class Journal {
  readonly #directory: string;
  readonly #limits: JournalLimits;
  readonly #clock: Clock;
  readonly #writers = new Map<string, JournalWriter>();

  constructor(directory: string, limits: JournalLimits, clock: Clock) {
    this.#directory = directory;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Makes a unit's journal ready for `append`; entries of earlier runs stay. */
  async open(unit: string): Promise<void> {
    if (this.#writers.has(unit)) return;
    const writer = new JournalWriter(unit, this.#folder(unit), this.#limits, this.#clock);
    this.#writers.set(unit, writer);
    // Unreadable folders must not keep a unit from running: its entries are counted as lost.
    await writer.open().catch(() => {});
  }

  append(unit: string, entry: Omit<NewEntry, "timestamp">): void {
    this.#writers.get(unit)?.append({ timestamp: this.#clock.now(), ...entry });
  }

  /** Also for units that are no longer open; nothing for a unit that never was. */
  read(unit: string, options: JournalOptions = {}): AsyncIterable<JournalEntry> {
    return readJournal(unit, this.#folder(unit), this.#writers.get(unit), options);
  }

  async close(unit: string): Promise<void> {
    const writer = this.#writers.get(unit);
    this.#writers.delete(unit);
    await writer?.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#writers.keys()].map((unit) => this.close(unit)));
  }

  /** Removes the journals of units that are not open, oldest first, until `keep` of them are left. */
  async removeOldest(keep: number): Promise<void> {
    const names = await readdir(this.#directory).catch(() => []);
    const ages: { path: string; age: number }[] = [];
    for (const name of names) {
      if (this.#writers.has(name)) continue;
      const path = join(this.#directory, name);
      const times = await stat(path).catch(() => undefined);
      if (times) ages.push({ path, age: times.mtimeMs });
    }
    ages.sort((a, b) => b.age - a.age);
    for (const { path } of ages.slice(keep)) await rm(path, { recursive: true, force: true });
  }

  /** Unit names hold no slash, and a dot only with a type behind it: they are safe as file names. */
  #folder(unit: string): string {
    return join(this.#directory, unit);
  }
}
