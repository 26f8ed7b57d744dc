import { Worker } from "node:worker_threads";
import type { SimulationReport } from "../../src/testing/index.js";

/** How a seed went. */
export type Outcome =
  | { readonly seed: number; readonly report: SimulationReport }
  | { readonly seed: number; readonly error: string };

/** Seeds that a thread is given at once. */
const SEEDS_AT_ONCE = 4;

/**
 * Spreads seeds over threads that run `program`, each asking for more when it is done. A seed's
 * outcome does not depend on where it runs. `heard` gets each, in no order; false ends the run.
 */
export async function runInThreads(
  program: URL,
  { from, count, jobs }: { from: number; count: number; jobs: number },
  heard: (outcome: Outcome) => boolean,
): Promise<void> {
  let next = from;
  let over = false;
  const take = (): number[] => {
    const seeds: number[] = [];
    while (!over && seeds.length < SEEDS_AT_ONCE && next < from + count) seeds.push(next++);
    return seeds;
  };
  await Promise.all(
    Array.from({ length: jobs }, () => {
      const worker = new Worker(program);
      return new Promise<void>((resolve, reject) => {
        worker.on("error", reject);
        worker.on("exit", () => resolve());
        worker.on("message", (outcomes: Outcome[]) => {
          for (const outcome of outcomes) over = !heard(outcome) || over;
          worker.postMessage(take());
        });
      });
    }),
  );
}
