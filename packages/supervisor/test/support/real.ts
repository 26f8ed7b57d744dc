import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRuntime, type LocalRuntime, type RuntimeOptions } from "@flotilla/container";
import { onTestFinished } from "vitest";
import { createSupervisor, type LocalSupervisor, type UnitStatus } from "../../src/index.js";
import { collect, temporaryDirectory } from "./harness.js";

/** Why tests over `@flotilla/container` cannot run here; undefined when they can. */
export const CANNOT_RUN: string | undefined = existsSync("/usr/bin/perl")
  ? undefined
  : "needs /usr/bin/perl (Debian package perl-base)";

export interface RealHarness {
  readonly supervisor: LocalSupervisor;
  readonly runtime: LocalRuntime;
  readonly changes: UnitStatus[];
  states(unit: string): string[];
  output(unit: string): Promise<string[]>;
  notes(unit: string): Promise<string[]>;
  reached(unit: string, wanted: (status: UnitStatus) => boolean): Promise<UnitStatus>;
  /** Resolves when the unit has written the line. */
  said(unit: string, line: string): Promise<void>;
}

/** A supervisor over the process runtime of `@flotilla/container`. */
export async function startReal(
  given?: string,
  options: Partial<RuntimeOptions> = {},
): Promise<RealHarness> {
  const directory = given ?? (await temporaryDirectory());
  const runtime = await createRuntime({ ...options, directory: join(directory, "runtime") });
  const supervisor = await createSupervisor({ runtime, directory: join(directory, "state") });
  onTestFinished(() => supervisor.shutdown());
  const changes: UnitStatus[] = [];
  supervisor.onChange((status) => changes.push(status));
  return {
    supervisor,
    runtime,
    changes,
    states: (unit) => changes.filter(({ name }) => name === unit).map(({ sub }) => sub),
    output: async (unit) => messages(supervisor, unit, false),
    notes: async (unit) => messages(supervisor, unit, true),
    reached: (unit, wanted) => reached(supervisor, changes, unit, wanted),
    said: (unit, line) => said(supervisor, unit, line),
  };
}

async function messages(s: LocalSupervisor, unit: string, own: boolean): Promise<string[]> {
  const entries = await collect(s.journal(unit));
  return entries.filter(({ source }) => (source === "supervisor") === own).map((e) => e.message);
}

async function said(supervisor: LocalSupervisor, unit: string, line: string): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  for await (const { message } of supervisor.journal(unit, { follow: true, signal })) {
    if (message === line) stop.abort();
  }
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
