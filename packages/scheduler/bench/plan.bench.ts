import { Bench } from "tinybench";
import type { ClusterState } from "../src/index.js";
import { plan } from "../src/index.js";
import { next, stateOf, type UnitOptions } from "../test/states.js";

/** fleet needed 6.7 s for 1,000 machines and 2,000 units. `npm run bench` */
function cluster(machineCount: number, unitCount: number): ClusterState {
  const machines = Object.fromEntries(
    Array.from({ length: machineCount }, (_, i) => [
      i.toString(16).padStart(32, "0"),
      { metadata: { zone: `z${i % 8}`, disk: i % 3 === 0 ? "ssd" : "hdd" } },
    ]),
  );
  const units: Record<string, UnitOptions> = { "node-exporter.service": { global: true } };
  for (let i = 0; i < unitCount; i++) {
    // Groups of ten that keep apart, one in ten on an SSD, one in ten with a sidekick.
    const app = `app${Math.floor(i / 10)}`;
    if (i % 10 === 9) units[`${app}-log@8.service`] = { machineOf: [`${app}@8.service`] };
    else {
      units[`${app}@${i % 10}.service`] = {
        conflicts: [`${app}@*.service`],
        ...(i % 10 === 0 ? { metadata: { disk: ["ssd"] } } : {}),
      };
    }
  }
  return stateOf(machines, units);
}

const sizes = [
  [1_000, 2_000],
  [1_000, 20_000],
  ...(process.argv.includes("--large") ? [[10_000, 1_000_000]] : []),
] as const;

for (const [machineCount = 0, unitCount = 0] of sizes) {
  const bench = new Bench({ iterations: 3, time: 500, warmupTime: 0, warmupIterations: 1 });
  const fresh = cluster(machineCount, unitCount);
  const settled = next(fresh);
  const lost = { ...settled, machines: settled.machines.slice(1) };
  const count = plan(fresh).actions.length;
  bench.add("from nothing", () => void plan(fresh));
  bench.add("nothing to do", () => void plan(settled));
  bench.add("a machine lost", () => void plan(lost));
  await bench.run();
  console.log(`${machineCount} machines, ${unitCount} units, ${count} placements`);
  for (const { name, result } of bench.tasks) {
    if (result.state !== "completed") continue;
    const ms = result.latency.p50;
    const rate = name === "from nothing" ? `, ${Math.round(count / (ms / 1000))} placements/s` : "";
    console.log(`  ${name}: ${ms.toFixed(1)} ms${rate}`);
  }
}
