import { setTimeout as sleep } from "node:timers/promises";
import type { UnitInfo, UnitStateInfo, UnitStatusReport } from "@flotilla/node/api";
import type { Context } from "../context.js";

const LOOK_MS = 100;
/** How long a unit that runs is looked at before it counts as one that did not fail at once. */
const CALM_MS = 500;
/** A start may last as long as TimeoutStartSec=; it is not watched for longer than this. */
const LIMIT_MS = 2_000;
/** Lines of the unit's own that a failure is told with. */
const LINES = 3;

/**
 * Looks at units that were just started for a moment, and gives their states where they have one:
 * what fails at once should not be told of as started.
 */
export async function watchStarts(
  { api }: Context,
  units: readonly UnitInfo[],
): Promise<ReadonlyMap<string, UnitStateInfo>> {
  const begin = performance.now();
  let calmSince = begin;
  for (;;) {
    const states = newest(await api.states(), units);
    const now = performance.now();
    const all = units.map(({ name }) => states.get(name));
    if (all.some((state) => state === undefined || state.active === "activating")) calmSince = now;
    const calm = now - calmSince >= CALM_MS || all.every((state) => state?.active === "failed");
    if (calm || now - begin >= LIMIT_MS) return states;
    await sleep(LOOK_MS);
  }
}

/** The states that belong to the units as they are now: those of their content, on their machine. */
function newest(
  states: readonly UnitStateInfo[],
  units: readonly UnitInfo[],
): Map<string, UnitStateInfo> {
  const found = new Map<string, UnitStateInfo>();
  for (const { name, hash, target } of units) {
    const state = states.find(
      (each) => each.name === name && each.machine === target && each.hash === hash,
    );
    if (state !== undefined) found.set(name, state);
  }
  return found;
}

/** `exit-code, status 7`, `oom-kill, killed by SIGKILL`: how a unit failed. */
export function howItFailed({ result, exitCode, exitSignal }: UnitStatusReport): string {
  if (exitSignal) return `${result}, killed by ${exitSignal}`;
  return exitCode === undefined ? result : `${result}, status ${exitCode}`;
}

/** The last that is known of a unit: its own lines, else what the supervisor says of it. */
export function lastLines({ journal }: UnitStatusReport): string[] {
  const own = journal.filter(({ source }) => source !== "supervisor");
  const telling = journal.filter(({ message }) => /^Failed (at|to)|^No start job/.test(message));
  return [...telling, ...own].slice(-LINES).map(({ message }) => message);
}
