import { availableParallelism } from "node:os";
import { isMainThread, parentPort } from "node:worker_threads";
import { type CoreBuild, simulate } from "../../src/testing/index.js";
import { explain } from "./explain.js";
import { buildsOf, type SimOptions, simOptions } from "./options.js";
import { type Outcome, runInThreads } from "./pool.js";
import { Totals } from "./totals.js";

/** Failures that are shrunk and explained; of others there is one line each. */
const EXPLAINED = 3;

const options = simOptions(process.env, availableParallelism());
const builds = await buildsOf(options);

function run(
  seed: number,
  { seconds, scenario }: SimOptions,
  builds: readonly CoreBuild[],
): Outcome {
  try {
    return { seed, report: simulate({ seed, seconds, scenario, builds }) };
  } catch (error) {
    return { seed, error: String(error) };
  }
}

/** A thread of the pool: gets seeds, gives outcomes, until it is given none. */
function serve(): void {
  // Refused proposals are errors, thousands a second; what fails is run again for its trace.
  Error.stackTraceLimit = 0;
  parentPort!.on("message", (seeds: number[]) => {
    if (seeds.length === 0) parentPort!.close();
    else parentPort!.postMessage(seeds.map((seed) => run(seed, options, builds)));
  });
  parentPort!.postMessage([]);
}

async function main(): Promise<void> {
  const { from, count, seconds, jobs, fast } = options;
  console.log(
    `seeds ${from} to ${from + count - 1}, ${seconds} virtual seconds of faults each, ${jobs} threads`,
  );
  const totals = new Totals();
  await runInThreads(new URL(import.meta.url), options, (outcome) => {
    totals.add(outcome);
    return !fast || totals.failures.length === 0;
  });
  const failures = totals.failures.sort((a, b) => a.seed - b.seed);
  for (const { seed, error } of failures) console.log(`SEED=${seed} ${error.split("\n")[0]}`);
  if (!fast) for (const { seed } of failures.slice(0, EXPLAINED)) explain(seed, options, builds);
  console.log(totals.summary());
  process.exitCode = failures.length === 0 ? 0 : 1;
}

if (isMainThread) await main();
else serve();
