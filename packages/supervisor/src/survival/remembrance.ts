import type { OrderedJob } from "../jobs/ordering.js";
import type { Runtime, RuntimeRemains } from "../runtime.js";

/** What is kept of a unit: the newest definition, and the state that its kind of unit gave. */
export interface KeptUnit {
  readonly content: string;
  readonly loadedAt: number;
  readonly state: unknown;
}

/** What an earlier supervisor wanted its successor to know. */
export interface KeptUnits {
  readonly units: ReadonlyMap<string, KeptUnit>;
  readonly jobs: readonly OrderedJob[];
}

const UNIT = "unit ";
const STATE = "state ";
const JOBS = "jobs";

/**
 * What of a supervisor outlives it: notes that the runtime keeps as long as the processes that they
 * tell of. Does nothing over a runtime that keeps none.
 */
export class Remembrance {
  readonly #note: ((key: string, value: string) => void) | undefined;
  readonly #last = new Map<string, string>();

  constructor(runtime: Runtime) {
    this.#note = runtime.note;
  }

  unit(name: string, kept: Omit<KeptUnit, "state">): void {
    this.#write(`${UNIT}${name}`, kept);
  }

  state(name: string, state: unknown): void {
    this.#write(`${STATE}${name}`, state);
  }

  jobs(jobs: readonly OrderedJob[]): void {
    this.#write(JOBS, jobs);
  }

  forget(name: string): void {
    for (const key of [`${UNIT}${name}`, `${STATE}${name}`]) {
      this.#last.delete(key);
      this.#note?.(key, "");
    }
  }

  #write(key: string, value: unknown): void {
    if (!this.#note) return;
    const text = JSON.stringify(value);
    if (this.#last.get(key) === text) return;
    this.#last.set(key, text);
    this.#note(key, text);
  }
}

/** Reads the notes of an earlier supervisor. */
export function readKeptUnits({ notes }: RuntimeRemains): KeptUnits {
  const parse = (key: string): unknown => {
    const text = notes.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  };
  const names = [...notes.keys()].filter((key) => key.startsWith(UNIT));
  const units = names.map((key): [string, KeptUnit] => {
    const name = key.slice(UNIT.length);
    const kept = parse(key) as Omit<KeptUnit, "state">;
    return [name, { ...kept, state: parse(`${STATE}${name}`) }];
  });
  return { units: new Map(units), jobs: (parse(JOBS) ?? []) as readonly OrderedJob[] };
}
