import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createRuntime } from "../src/index.js";
import { buildSources, HELPER } from "./built.js";
import { isAlive, observe, temporaryDirectory, testRuntime, until } from "./support.js";

const DETACHING =
  "trap '' TERM; setsid sh -c \"trap '' TERM; sleep 1000 & echo ready; wait\" & while :; do sleep 1; done";

interface Daemon {
  readonly process: ChildProcess;
  readonly helper: number;
  readonly pids: readonly number[];
}

let built: Awaited<ReturnType<typeof buildSources>>;
beforeAll(async () => {
  built = await buildSources();
});
afterAll(() => built.remove());

const DAEMON = fileURLToPath(new URL("./daemon.mjs", import.meta.url));

/** Starts test/daemon.mjs from the sources and waits until its unit runs. */
async function startDaemon(options: object): Promise<Daemon> {
  const child = spawn(
    process.execPath,
    [DAEMON, JSON.stringify({ helper: HELPER, module: built.module, ...options })],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout!, "data")) as [Buffer];
  return { process: child, ...JSON.parse(line.toString()) };
}

describe.each(["auto", "none"] as const)("the daemon dies, cgroups %s", (cgroups) => {
  test("SIGKILL of the daemon leaves no process of its units, and the next run starts clean", async () => {
    const directory = await temporaryDirectory();
    const daemon = await startDaemon({ directory, cgroups, script: DETACHING });
    expect(daemon.pids.length).toBeGreaterThanOrEqual(3);
    daemon.process.kill("SIGKILL");
    await until(() => ![...daemon.pids, daemon.helper].some(isAlive));
    const { shell } = await observe(await testRuntime({ directory, cgroups }), {
      id: "victim.service",
    });
    expect(await shell("exit 4")).toEqual({ type: "exited", code: 4 });
  });
});

test("SIGKILL of the helper kills its children and tells; the next exec has a new helper", async () => {
  const runtime = await testRuntime({ cgroups: "auto" });
  const { sandbox, empties, shell } = await observe(runtime);
  const sleep = await sandbox.exec({ path: "sleep", argv: ["sleep", "1000"], environment: {} });
  await sleep.executed;
  const old = runtime.helperPid;
  process.kill(old, "SIGKILL");
  expect(await sleep.exited).toMatchObject({ type: "signaled", signal: "SIGKILL" });
  await until(() => empties.length > 0 && !isAlive(sleep.pid));
  expect(await shell("exit 5")).toEqual({ type: "exited", code: 5 });
  expect(runtime.helperPid).not.toBe(old);
});

test("daemon and helper killed at once: the next run with the same parent removes the leftovers", async () => {
  const directory = await temporaryDirectory();
  const cgroupParent = `flotilla-test/left-${process.pid}`;
  const daemon = await startDaemon({ directory, cgroupParent, script: DETACHING });
  daemon.process.kill("SIGSTOP");
  process.kill(daemon.helper, "SIGKILL");
  daemon.process.kill("SIGKILL");
  const runtime = await testRuntime({ directory, cgroupParent });
  if (runtime.cgroups !== "none") await until(() => !daemon.pids.some(isAlive));
  const { shell } = await observe(runtime, { id: "victim.service" });
  expect(await shell("exit 6")).toEqual({ type: "exited", code: 6 });
  for (const pid of daemon.pids.filter(isAlive)) process.kill(pid, "SIGKILL");
});

test("with a grace, TERM comes first", async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, "terminated");
  const script = `trap 'echo > ${file}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`;
  const daemon = await startDaemon({ directory, graceMs: 5000, script });
  daemon.process.kill("SIGKILL");
  await until(() => !isAlive(daemon.helper));
  expect(await readdir(directory)).toContain("terminated");
});

test("two runtimes on one directory: the second is refused", async () => {
  const directory = await temporaryDirectory();
  await testRuntime({ directory });
  await expect(createRuntime({ directory, lockWaitMs: 40 })).rejects.toMatchObject({
    code: "in-use",
  });
});

test("no perl: a clear error that names the package", async () => {
  const directory = await temporaryDirectory();
  await expect(createRuntime({ directory, perl: "/no/such/perl" })).rejects.toMatchObject({
    code: "helper-unavailable",
    message: expect.stringContaining("perl-base"),
  });
});
