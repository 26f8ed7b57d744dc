import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { SandboxSpec } from "../runtime.js";
import { Cgroups } from "./cgroups.js";

const SPEC: SandboxSpec = {
  id: "web.service",
  notify: false,
  cpuQuotaPercent: 150,
  cpuWeight: 50,
  memoryMaxBytes: 1 << 20,
  tasksMax: 7,
};

// Plain directories stand for the trees: what is written where can be seen on any machine.
async function trees(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "flotilla-cgroups-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("v2: controllers are enabled from the root down, and all limits are in one directory", async () => {
  const unified = await trees();
  const layout = { mode: "v2", unified, controllers: new Map(), mounts: [] } as const;
  const cgroups = await Cgroups.open("flotilla/n1", "auto", layout);
  const made = await cgroups.create(SPEC);
  const directory = join(unified, "flotilla/n1/web.service");
  expect(made?.ignored).toEqual([]);
  expect(made?.procs).toEqual([join(directory, "cgroup.procs")]);
  const content = (file: string): Promise<string> => readFile(join(directory, file), "utf8");
  expect(await content("cpu.max")).toBe("150000 100000");
  expect(await content("cpu.weight")).toBe("50");
  expect(await content("memory.max")).toBe("1048576");
  expect(await content("pids.max")).toBe("7");
  for (const parent of ["", "flotilla", "flotilla/n1"]) {
    const control = join(unified, parent, "cgroup.subtree_control");
    expect(await readFile(control, "utf8")).toBe("+pids");
  }
});

test("hybrid: processes are tracked in v2, limits are in v1, what has no controller is told", async () => {
  const root = await trees();
  const unified = join(root, "unified");
  const cpu = join(root, "cpu");
  // No memory controller: a file where its tree should be cannot be made a directory.
  const memory = "/proc/version";
  await mkdir(unified);
  await mkdir(cpu);
  const layout = {
    mode: "hybrid",
    unified,
    controllers: new Map([
      ["cpu", cpu],
      ["pids", cpu],
      ["memory", memory],
    ]),
    mounts: [cpu],
  } as const;
  const made = await (await Cgroups.open("f/n", "auto", layout)).create(SPEC);
  expect(made?.track).toBe(join(unified, "f/n/web.service"));
  expect(made?.procs).toEqual([
    join(unified, "f/n/web.service/cgroup.procs"),
    join(cpu, "f/n/web.service/cgroup.procs"),
  ]);
  expect(made?.ignored).toEqual(["memoryMaxBytes"]);
  const content = (file: string): Promise<string> =>
    readFile(join(cpu, "f/n/web.service", file), "utf8");
  expect(await content("cpu.cfs_quota_us")).toBe("150000");
  expect(await content("cpu.shares")).toBe("512");
});
