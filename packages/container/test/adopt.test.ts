import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { readLayout } from "../src/cgroup/layout.js";
import { createRuntime, type LocalRuntime, type LocalSandbox } from "../src/index.js";
import { buildSources, HELPER } from "./built.js";
import { isAlive, temporaryDirectory, testRuntime, until } from "./support.js";

const DAEMON = fileURLToPath(new URL("./daemon.mjs", import.meta.url));
const ID = "victim.service";

const skip = readLayout().mode === "none" || process.getuid?.() !== 0;
if (skip) console.warn("skipped: adopting needs cgroups, and root to make them");

let built: Awaited<ReturnType<typeof buildSources>>;
beforeAll(async () => {
  built = await buildSources();
}, 60_000);
afterAll(() => built.remove());

interface Daemon {
  readonly process: ChildProcess;
  readonly helper: number;
  readonly pids: readonly number[];
}

/** A daemon whose unit has said "ready". */
async function startDaemon(options: object): Promise<Daemon> {
  const child = spawn(
    process.execPath,
    [DAEMON, JSON.stringify({ helper: HELPER, module: built.module, ...options })],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { process: child, ...JSON.parse(line.toString()) };
}

async function killed(daemon: Daemon): Promise<void> {
  daemon.process.kill("SIGKILL");
  await once(daemon.process, "exit");
}

function listen(sandbox: LocalSandbox): {
  output: () => string;
  notified: string[];
  empties: () => number;
} {
  let output = "";
  let empties = 0;
  const notified: string[] = [];
  sandbox.onOutput = ({ data }) => {
    output += Buffer.from(data).toString();
  };
  sandbox.onNotify = (message) => notified.push(JSON.stringify(message));
  sandbox.onEmpty = () => {
    empties += 1;
  };
  return { output: () => output, notified, empties: () => empties };
}

const NOTIFY =
  'use Socket; socket(S,AF_UNIX,SOCK_DGRAM,0); send(S,"STATUS=gap",0,pack_sockaddr_un($ENV{NOTIFY_SOCKET}))';

test.skipIf(skip)(
  "what a killed daemon left goes on, and what it did meanwhile is told",
  async () => {
    const directory = await temporaryDirectory();
    const go = join(directory, "go");
    const script = `echo ready; until [ -e ${go} ]; do sleep 0.02; done; echo gap; perl -e '${NOTIFY}'; rm ${go}; until [ -e ${go} ]; do sleep 0.02; done; echo after; exit 7`;
    const daemon = await startDaemon({ directory, adoptMs: 60_000, note: "kept", script });
    await killed(daemon);
    await writeFile(go, "");
    await until(() => import("node:fs").then(({ existsSync }) => !existsSync(go)));
    const runtime: LocalRuntime = await testRuntime({ directory, adoptMs: 60_000 });
    expect(runtime.helperPid).toBe(daemon.helper);
    expect(runtime.remains?.sandboxes).toEqual([ID]);
    expect(runtime.remains?.notes.get("n")).toBe("kept");
    const sandbox = await runtime.adopt(ID);
    const heard = listen(sandbox);
    await until(() => heard.output() === "gap\n" && heard.notified.length > 0);
    expect(heard.notified).toEqual(['{"STATUS":"gap"}']);
    const [process] = sandbox.adopted!;
    expect(process).toMatchObject({ tag: "main", pid: daemon.pids[0] });
    expect(await sandbox.pids()).toContain(process!.pid);
    await writeFile(go, "");
    expect(await process!.exited).toEqual({ type: "exited", code: 7 });
    await until(() => heard.empties() > 0);
    expect(heard.output()).toBe("gap\nafter\n");
    // The sandbox is whole: it runs more, and goes.
    const more = await sandbox.exec({ path: "true", argv: ["true"], environment: {} });
    expect(await more.exited).toEqual({ type: "exited", code: 0 });
    await sandbox.delete();
    expect((await runtime.create({ id: ID, notify: false })).id).toBe(ID);
  },
);

test.skipIf(skip)("an end that falls into the gap is not lost", async () => {
  const directory = await temporaryDirectory();
  const daemon = await startDaemon({
    directory,
    adoptMs: 60_000,
    script: "echo ready; sleep 0.3; exit 9",
  });
  await killed(daemon);
  await until(() => !daemon.pids.some(isAlive));
  const runtime = await testRuntime({ directory, adoptMs: 60_000 });
  const sandbox = await runtime.adopt(ID);
  const heard = listen(sandbox);
  expect(await sandbox.adopted![0]!.exited).toEqual({ type: "exited", code: 9 });
  await until(() => heard.empties() > 0);
});

test.skipIf(skip)(
  "nobody came in time: everything is stopped, and the next run starts clean",
  async () => {
    const directory = await temporaryDirectory();
    const daemon = await startDaemon({ directory, adoptMs: 100, script: "echo ready; sleep 1000" });
    await killed(daemon);
    await until(() => ![...daemon.pids, daemon.helper].some(isAlive));
    const runtime = await testRuntime({ directory, adoptMs: 100 });
    expect(runtime.remains).toBeUndefined();
  },
);

test.skipIf(skip)("a lease that runs out is the deadline, not adoptMs", async () => {
  const directory = await temporaryDirectory();
  const daemon = await startDaemon({
    directory,
    adoptMs: 60_000,
    hold: 300,
    script: "echo ready; sleep 1000",
  });
  const began = performance.now();
  await killed(daemon);
  await until(() => !isAlive(daemon.helper));
  expect(performance.now() - began).toBeLessThan(5_000);
});

test.skipIf(skip)("closed in good order, or not wanted any more: nothing stays", async () => {
  const directory = await temporaryDirectory();
  const first = await createRuntime({ directory, adoptMs: 60_000 });
  const sandbox = await first.create({ id: ID, notify: false });
  const sleep = await sandbox.exec({ path: "sleep", argv: ["sleep", "1000"], environment: {} });
  await first.detach();
  expect(isAlive(sleep.pid)).toBe(true);
  const second = await createRuntime({ directory });
  expect(second.remains).toBeUndefined();
  await until(() => !isAlive(sleep.pid));
  await second[Symbol.asyncDispose]();
  const third = await createRuntime({ directory, adoptMs: 60_000 });
  const helper = third.helperPid;
  await third[Symbol.asyncDispose]();
  await until(() => !isAlive(helper));
  await rm(directory, { recursive: true });
});

test.skipIf(skip)("while a daemon has the helper, another one is refused", async () => {
  const directory = await temporaryDirectory();
  await testRuntime({ directory, adoptMs: 60_000 });
  await expect(createRuntime({ directory, adoptMs: 60_000, lockWaitMs: 40 })).rejects.toMatchObject(
    {
      code: "in-use",
    },
  );
});
