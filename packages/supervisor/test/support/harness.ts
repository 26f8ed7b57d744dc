import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  createSupervisor,
  type JournalEntry,
  type LocalSupervisor,
  type SupervisorOptions,
  type UnitStatus,
} from "../../src/index.js";
import { ProcessRuntime } from "./process-runtime.js";

/** A supervisor in a folder of its own, with what its units went through. */
export interface Harness {
  readonly supervisor: LocalSupervisor;
  readonly runtime: ProcessRuntime;
  readonly directory: string;
  readonly changes: UnitStatus[];
  /** The sub states that a unit went through. */
  states(unit: string): string[];
  /** Resolves with the first change (past ones included) that fits. */
  reached(unit: string, wanted: (status: UnitStatus) => boolean): Promise<UnitStatus>;
  /** A unit's lines of stdout and stderr. */
  output(unit: string): Promise<string[]>;
  /** What the supervisor itself wrote into a unit's journal. */
  notes(unit: string): Promise<string[]>;
}

/** Starts one; it is shut down at the end of the test. */
export async function startHarness(options: Partial<SupervisorOptions> = {}): Promise<Harness> {
  const directory = options.directory ?? (await temporaryDirectory());
  const runtime = new ProcessRuntime();
  const supervisor = await createSupervisor({ runtime, directory, ...options });
  onTestFinished(() => supervisor.shutdown());
  const changes: UnitStatus[] = [];
  supervisor.onChange((status) => changes.push(status));
  const entries = (unit: string): Promise<JournalEntry[]> => collect(supervisor.journal(unit));
  return {
    supervisor,
    runtime,
    directory,
    changes,
    states: (unit) => changes.filter(({ name }) => name === unit).map(({ sub }) => sub),
    reached: (unit, wanted) => reached(supervisor, changes, unit, wanted),
    output: async (unit) =>
      (await entries(unit)).filter(({ source }) => source !== "supervisor").map((e) => e.message),
    notes: async (unit) =>
      (await entries(unit)).filter(({ source }) => source === "supervisor").map((e) => e.message),
  };
}

/** A folder that is removed at the end of the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "flotilla-supervisor-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function reached(
  supervisor: LocalSupervisor,
  changes: readonly UnitStatus[],
  unit: string,
  wanted: (status: UnitStatus) => boolean,
): Promise<UnitStatus> {
  const fits = (status: UnitStatus): boolean => status.name === unit && wanted(status);
  const past = changes.find(fits);
  if (past) return past;
  return new Promise((resolve) => {
    const leave = supervisor.onChange((status) => {
      if (!fits(status)) return;
      leave();
      resolve(status);
    });
  });
}
