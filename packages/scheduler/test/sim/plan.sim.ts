import { checkCluster, STEPS } from "./check.js";

/**
 * Random clusters and changes against the oracle: `npm run sim`. `RUNS=` is how many plans are
 * checked (100,000), `SEED=` where to begin; a failure prints the seed that repeats it alone with
 * `RUNS=1`.
 */
const runs = Number(process.env["RUNS"] ?? 100_000);
const first = Number(process.env["SEED"] ?? Date.now() % 1_000_000_000);
const clusters = Math.ceil(runs / (STEPS + 1));

console.log(`SEED=${first}: ${clusters} clusters, ${clusters * (STEPS + 1)} plans`);
const started = performance.now();
for (let i = 0; i < clusters; i++) {
  try {
    checkCluster(first + i);
  } catch (error) {
    console.error(`failed: SEED=${first + i} RUNS=1`);
    throw error;
  }
  if (i % 1_000 === 999) {
    const seconds = Math.round((performance.now() - started) / 1_000);
    console.log(`${(i + 1) * (STEPS + 1)} plans checked in ${seconds} s`);
  }
}
console.log("no violated constraint, no needless move, no difference");
