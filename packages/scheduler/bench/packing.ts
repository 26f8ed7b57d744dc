import { type Machine, Scheduler, type UnitJob } from "../src/index.js";
import { Random } from "../test/sim/random.js";
import { jobOf } from "../test/states.js";
import { machines } from "./clusters.js";

const GIB = 1024 ** 3;

/** Units of any size from an eighth of a CPU to eight, with as much memory as such units have. */
function randomUnits(count: number): UnitJob[] {
  const random = new Random(7);
  return Array.from({ length: count }, (_, i) => {
    const cpu = 125 * (1 + random.below(64));
    const memory = (cpu / 1_000) * (1 + random.below(8)) * GIB;
    return jobOf(`unit-${i}.service`, { requests: { cpu, memory } });
  });
}

/** Best fit decreasing, offline, as textbooks have it: how many machines it takes. */
function bestFitDecreasing(units: readonly UnitJob[], { capacity = {} }: Machine): number {
  const { cpu: cpus = 0, memory: bytes = 0 } = capacity;
  const share = (cpu: number, memory: number): number => Math.max(cpu / cpus, memory / bytes);
  const sizes = units.map(({ requests: { cpu = 0, memory = 0 } = {} }) => ({ cpu, memory }));
  const bins: { cpu: number; memory: number }[] = [];
  for (const size of sizes.sort((a, b) => share(b.cpu, b.memory) - share(a.cpu, a.memory))) {
    let best: (typeof bins)[number] | undefined;
    for (const bin of bins) {
      if (bin.cpu + size.cpu > cpus || bin.memory + size.memory > bytes) continue;
      if (best === undefined || share(bin.cpu, bin.memory) > share(best.cpu, best.memory)) {
        best = bin;
      }
    }
    if (best === undefined) bins.push({ ...size });
    else {
      best.cpu += size.cpu;
      best.memory += size.memory;
    }
  }
  return bins.length;
}

function machinesUsed(machineCount: number, batches: readonly (readonly UnitJob[])[]): number {
  const scheduler = new Scheduler({ strategy: "pack" });
  scheduler.apply({ machines: new Map(machines(machineCount).map((each) => [each.id, each])) });
  const used = new Set<string>();
  for (const batch of batches) {
    scheduler.apply({ units: new Map(batch.map((unit) => [unit.name, unit])) });
    const { actions, waiting } = scheduler.plan();
    if (waiting.length > 0) throw new Error(`${waiting.length} units found no room`);
    for (const { machine } of actions) used.add(machine);
    scheduler.applyActions(actions);
  }
  return used.size;
}

/** How many machines the strategy `pack` takes beside best fit decreasing. */
export function reportPacking(machineCount: number, unitCount: number): void {
  const units = randomUnits(unitCount);
  const offline = bestFitDecreasing(units, machines(1)[0]!);
  const more = (used: number): string => {
    const percent = (used / offline - 1) * 100;
    return `${used} machines (${percent > 0 ? "+" : ""}${percent.toFixed(1)} %)`;
  };
  const atOnce = machinesUsed(machineCount, [units]);
  const oneByOne = machinesUsed(
    machineCount,
    units.map((unit) => [unit]),
  );
  console.log(`packing ${unitCount} units: best fit decreasing takes ${offline} machines`);
  console.log(`  planned at once: ${more(atOnce)}; one by one as they come: ${more(oneByOne)}`);
}
