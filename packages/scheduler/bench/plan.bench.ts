import { type ClusterState, Scheduler } from "../src/index.js";
import { cluster } from "./clusters.js";
import { reportPacking } from "./packing.js";

/**
 * Placements a second from nothing, a reconcile where nothing is to be done, and the loss of a
 * machine, in one process. `npm run bench`, and `npm run bench -- 10000x1000000` for that many machines and units.
 */
const PUBLISHED = "published: fleet 300/s, Nomad C1M 3,750/s, Kubernetes 5,000 nodes 810/s";

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** What this process computed, whatever else the machine was busy with. */
function cpuMilliseconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  return process.cpuUsage(start).user / 1_000;
}

/** The middle one of so many runs. */
function median(runs: number, work: (run: number) => void): number {
  const times = Array.from({ length: runs }, (_, run) => milliseconds(() => work(run)));
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)]!;
}

function report(state: ClusterState): void {
  let scheduler = new Scheduler();
  let count = 0;
  let cpu = 0;
  const fromNothing = milliseconds(() => {
    cpu = cpuMilliseconds(() => {
      scheduler = Scheduler.of(state);
      count = scheduler.plan().actions.length;
    });
  });
  scheduler.applyActions(scheduler.plan().actions);
  scheduler.plan();
  const { machines, units } = state;
  const waiting = scheduler.plan().waiting.length;
  console.log(
    `${machines.length} machines, ${units.length} units: ${count} placed, ${waiting} wait`,
  );
  console.log(
    `  from nothing: ${rate(count, fromNothing)} placements/s, ${rate(count, cpu)} a second of CPU time`,
  );
  console.log(`    (${PUBLISHED})`);

  const noop = median(21, (run) => {
    const unit = units[(run * 7_919) % units.length]!;
    // Told anew, as after a change that concerns no placement, and one that concerns just that.
    scheduler.apply({ units: new Map([[unit.name, { ...unit }]]) });
    scheduler.apply({ units: new Map([[unit.name, { ...unit, desired: "loaded" }]]) });
    if (scheduler.plan().actions.length > 0) throw new Error("there was something to do");
  });
  console.log(`  reconcile with nothing to do: ${noop.toFixed(2)} ms`);

  let moved = 0;
  const lost = median(11, (run) => {
    const machine = machines[(run * 101) % machines.length]!;
    scheduler.apply({ machines: new Map([[machine.id, undefined]]) });
    moved = scheduler.plan().actions.filter(({ type }) => type === "schedule").length;
    scheduler.applyActions(scheduler.plan().actions);
  });
  console.log(
    `  a machine lost, planned and taken over: ${lost.toFixed(2)} ms (${moved} units moved)`,
  );
}

function rate(count: number, ms: number): string {
  return Math.round((count / ms) * 1_000).toLocaleString("en");
}

const sizes = process.argv.slice(2).filter((argument) => /^\d+x\d+$/.test(argument));
for (const size of sizes.length > 0 ? sizes : ["1000x2000", "1000x20000", "1000x100000"]) {
  const [machineCount = 0, unitCount = 0] = size.split("x").map(Number);
  report(cluster(machineCount, unitCount));
}
if (sizes.length === 0) reportPacking(1_000, 10_000);
