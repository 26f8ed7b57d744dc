import { type SimulationReport, simulate } from "../../src/testing/index.js";

// SEED=7 runs one seed with its trace on failure; SEEDS=1000 runs seeds 1 to 1000; FROM=5000
// starts there; SECONDS=120 virtual seconds of faults each; FAST=1 stops at the first failure.
const env = process.env;
const seconds = Number(env["SECONDS"] ?? 120);
const from = Number(env["SEED"] ?? env["FROM"] ?? 1);
const count = env["SEED"] === undefined ? Number(env["SEEDS"] ?? 100) : 1;
const TRACE_LINES = 60;

function fail(seed: number, error: unknown): void {
  const lines: string[] = [];
  try {
    simulate({ seed, seconds, trace: (line) => lines.push(line) });
  } catch {
    // The first run's error is shown.
  }
  console.log(lines[0]);
  console.log(lines.slice(-TRACE_LINES).join("\n"));
  console.log(`SEED=${seed} ${error instanceof Error ? error.stack : error}`);
}

const began = performance.now();
const totals = { virtualSeconds: 0, events: 0, messages: 0, operations: 0, unknownOperations: 0 };
let failed = 0;
let stuck = 0;
console.log(`seeds ${from} to ${from + count - 1}, ${seconds} virtual seconds of faults each`);
for (let seed = from; seed < from + count; seed++) {
  let report: SimulationReport;
  try {
    report = simulate({ seed, seconds });
  } catch (error) {
    failed++;
    fail(seed, error);
    if (env["FAST"] === "1") break;
    continue;
  }
  if (report.stuck) stuck++;
  for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += report[key];
}
const wall = (performance.now() - began) / 1000;
console.log(
  `${count - failed} seeds passed (${stuck} ended without a leader, see SimulationReport.stuck), ${failed} failed: ${(totals.virtualSeconds / 3600).toFixed(1)} ` +
    `virtual hours, ${totals.events} events, ${totals.messages} messages, ` +
    `${totals.operations} operations (${totals.unknownOperations} unknown) in ${wall.toFixed(1)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;
