import {
  type CoreBuild,
  type ShrunkRun,
  type SimulationOptions,
  shrink,
  simulate,
} from "../../src/testing/index.js";
import type { SimOptions } from "./options.js";

const TRACE_LINES = 60;

/** Shrinks a failing run, and prints what is left of it with its command and the end of its trace. */
export function explain(seed: number, options: SimOptions, builds: readonly CoreBuild[]): void {
  const { seconds, scenario } = options;
  const whole = { seed, seconds, scenario, builds };
  const small = shrink(whole) ?? { ...whole, error: "it does not fail again", runs: 1 };
  console.log(`\nseed ${seed}, shrunk in ${small.runs} runs: ${commandOf(small, options)}`);
  for (const line of lastLines({ ...whole, ...small })) console.log(line);
  const { error } = small;
  console.log(error instanceof Error ? error.stack : error);
}

/** What repeats a run. */
function commandOf({ seed, seconds, scenario }: Omit<ShrunkRun, "error">, { old }: SimOptions) {
  const others = Object.keys(scenario).length > 0 ? ` SCENARIO='${JSON.stringify(scenario)}'` : "";
  const mixed = old === null ? "" : ` OLD=${old}`;
  return `SEED=${seed} SECONDS=${seconds}${others}${mixed} npm run sim -w @flotilla/raft`;
}

function lastLines(options: SimulationOptions): string[] {
  const lines: string[] = [];
  try {
    simulate({
      ...options,
      trace: (line) => {
        lines.push(line);
        if (lines.length > 2 * TRACE_LINES) lines.splice(0, TRACE_LINES);
      },
    });
  } catch {
    // It is printed by the caller.
  }
  return lines.slice(-TRACE_LINES);
}
