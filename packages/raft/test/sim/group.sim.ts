import { type GroupSimulationReport, simulateGroup } from "./group/simulation.js";

// The driver as a whole: RaftGroup, its log and snapshots. SEED=7 runs one seed and shows its trace;
// SEEDS=200 runs seeds 1 to 200; FROM=5000 starts there; SECONDS=60 virtual seconds of faults each.
const env = process.env;
const seconds = Number(env["SECONDS"] ?? 60);
const from = Number(env["SEED"] ?? env["FROM"] ?? 1);
const count = env["SEED"] === undefined ? Number(env["SEEDS"] ?? 50) : 1;
const TRACE_LINES = 80;

const began = performance.now();
const totals: Record<keyof GroupSimulationReport, number> = {
  virtualSeconds: 0,
  operations: 0,
  dropped: 0,
  uncertain: 0,
  failedReads: 0,
  crashes: 0,
  changes: 0,
  snapshots: 0,
};
let failed = 0;
console.log(`seeds ${from} to ${from + count - 1}, ${seconds} virtual seconds of faults each`);
for (let seed = from; seed < from + count; seed++) {
  const lines: string[] = [];
  try {
    const report = await simulateGroup({ seed, seconds, trace: (line) => lines.push(line) });
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += report[key];
    if (count === 1) console.log(lines.join("\n"));
  } catch (error) {
    failed++;
    console.log(`${lines[0]}\n${lines.slice(-TRACE_LINES).join("\n")}`);
    console.log(`SEED=${seed} ${error instanceof Error ? error.stack : error}`);
  }
}
const wall = ((performance.now() - began) / 1000).toFixed(1);
const told = Object.entries(totals).map(([name, sum]) => `${name} ${Math.round(sum)}`);
console.log(`${count - failed} seeds passed, ${failed} failed in ${wall} s: ${told.join(", ")}`);
process.exitCode = failed === 0 ? 0 : 1;
