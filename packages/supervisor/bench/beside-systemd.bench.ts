// Time to start each of 200 services, one after the other, here and in the machine's own systemd as
// PID 1 of namespaces of its own; both with a small heap and with 500 MB in this process. Needs root
// and the project's real-systemd tool.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { createRuntime } from "@flotilla/container";
import { createSupervisor, type LocalSupervisor } from "@flotilla/supervisor";

const UNITS = Number(process.env["UNITS"] ?? 200);
const HEAP_BYTES = 500 << 20;
const TOOL = resolve("../../../shared/tools/real-systemd/systemd-pid1");
/** Bundled, the runtime does not find it by itself. */
const HELPER = resolve("../container/helper/spawner.pl");
const SERVICE = "[Service]\nType=exec\nExecStart=/bin/sleep 600\n";

const run = promisify(execFile);
const name = (i: number): string => `u${i}.service`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function ours(supervisor: LocalSupervisor): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < UNITS; i += 1) times.push(await timed(() => supervisor.start(name(i))));
  for (let i = 0; i < UNITS; i += 1) await supervisor.stop(name(i));
  return median(times);
}

/**
 * By systemd's own clock, so that neither its bus nor its client counts: from when it looked at the
 * conditions, the first thing that it does for a start, until execve has succeeded.
 */
async function theirs(directory: string): Promise<number> {
  const folder = join(directory, "units");
  await mkdir(folder);
  for (let i = 0; i < UNITS; i += 1) await writeFile(join(folder, name(i)), SERVICE);
  const booting = spawn(TOOL, ["start", directory, folder], { stdio: "ignore" });
  await new Promise((done) => booting.once("exit", done));
  try {
    const outer = (await readFile(join(directory, "pid"), "utf8")).trim();
    const children = await readFile(`/proc/${outer}/task/${outer}/children`, "utf8");
    const inside = (...command: string[]) =>
      run("nsenter", ["-t", children.trim(), "-a", ...command]);
    const times: number[] = [];
    for (let i = 0; i < UNITS; i += 1) {
      await inside("systemctl", "start", name(i));
      const properties = "ConditionTimestampMonotonic,ActiveEnterTimestampMonotonic";
      const { stdout } = await inside("systemctl", "show", "-p", properties, name(i));
      const at = (property: string): number =>
        Number(new RegExp(`^${property}=(\\d+)`, "m").exec(stdout)?.[1]);
      times.push((at("ActiveEnterTimestampMonotonic") - at("ConditionTimestampMonotonic")) / 1000);
    }
    return median(times);
  } finally {
    await run(TOOL, ["stop", directory]);
  }
}

if (!existsSync(TOOL) || process.getuid?.() !== 0) {
  console.log("skipped: needs root and the tool real-systemd");
  process.exit(0);
}
const directory = await mkdtemp(join(tmpdir(), "supervisor-bench-"));
await mkdir(join(directory, "systemd"));
const systemd = await theirs(join(directory, "systemd"));
const supervisor = await createSupervisor({
  runtime: await createRuntime({ directory: join(directory, "runtime"), helper: HELPER }),
  directory: join(directory, "state"),
});
for (let i = 0; i < UNITS; i += 1) await supervisor.load(name(i), SERVICE);
const small = await ours(supervisor);
const ballast = Array.from({ length: HEAP_BYTES >> 20 }, () => Buffer.alloc(1 << 20, 1));
const large = await ours(supervisor);
await supervisor.shutdown();
await rm(directory, { recursive: true, force: true });

const row = (who: string, ms: number): string =>
  `${who.padEnd(24)} median ${ms.toFixed(2)} ms, ${(ms / systemd).toFixed(2)} of systemd's`;
console.log(`${UNITS} services of Type=exec, until execve has succeeded`);
console.log(row("systemd", systemd));
console.log(row("supervisor", small));
console.log(row(`supervisor at ${ballast.length} MiB`, large));
