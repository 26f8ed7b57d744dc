import type { ClusterState, Machine, UnitJob } from "../src/index.js";
import { sectionOf } from "../test/states.js";

const GIB = 1024 ** 3;

/** In the order of IDs, as a store lists them. */
export function machines(count: number): Machine[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i.toString(16).padStart(32, "0"),
    metadata: {
      zone: `z${i % 8}`,
      rack: `r${i % 40}`,
      disk: i % 3 === 0 ? "ssd" : "hdd",
      host: `h${i}`,
    },
    schedulable: true,
    capacity: { cpu: 64_000, memory: 256 * GIB, tasks: 100_000 },
  }));
}

/**
 * Apps of ten: eight instances that keep apart and spread over the zones, some of them on an SSD,
 * one that conflicts with another app, and a sidekick beside an instance. Now and then a unit for
 * one machine, one that replaces another, and everywhere a global unit. All ask for resources.
 */
export function units(count: number): UnitJob[] {
  const jobs: UnitJob[] = [
    job("node-exporter.service", { global: true }, { cpu: 100, memory: GIB / 8, tasks: 10 }),
  ];
  for (let i = 1; i < count; i++) {
    const app = `app${Math.floor(i / 10)}`;
    const size = [250, 500, 1_000][Math.floor(i / 10) % 3]!;
    const requests = { cpu: size / 2, memory: size * 2 ** 20, tasks: 20 };
    const n = i % 10;
    if (n === 9) {
      jobs.push(job(`${app}-log@8.service`, { machineOf: [`${app}@8.service`] }, requests));
    } else if (n === 0) {
      jobs.push(job(`${app}-${odd(i)}`, oddRules(i, app), requests));
    } else {
      const metadata = n === 1 ? { disk: ["ssd"] } : undefined;
      const rules = { conflicts: [`${app}@*.service`], ...(metadata ? { metadata } : {}) };
      const spread = n < 9 && Math.floor(i / 10) % 4 === 0 ? { spread: ["zone"] } : {};
      jobs.push({ ...job(`${app}@${n}.service`, rules, requests), ...spread });
    }
  }
  // As out of a store: in the order of names, and each a key somewhere already.
  const byName = new Map(jobs.map((unit) => [unit.name, unit]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function cluster(machineCount: number, unitCount: number): ClusterState {
  return { machines: machines(machineCount), units: units(unitCount), placements: new Map() };
}

function odd(i: number): string {
  return i % 1_000 === 0 ? "pinned.service" : i % 1_000 === 500 ? "new.service" : "alone.service";
}

function oddRules(i: number, app: string): Parameters<typeof sectionOf>[0] {
  if (i % 1_000 === 0) return { metadata: { host: [`h${(i / 1_000) % 1_000}`] } };
  if (i % 1_000 === 500) return { replaces: `${app}-old.service` };
  return { conflicts: [`app${Math.floor(i / 10) + 1}-alone.service`] };
}

function job(
  name: string,
  rules: Parameters<typeof sectionOf>[0],
  requests: UnitJob["requests"] & object,
): UnitJob {
  return { name, desired: "launched", fleet: sectionOf(rules), requests };
}
