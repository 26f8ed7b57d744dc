import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDaemon, type DaemonProgram } from "./support/daemon-process.js";
import { temporaryDirectory } from "./support/harness.js";
import { CANNOT_RUN, type RealHarness, startReal } from "./support/real.js";

const A = "a.service";
const skip = CANNOT_RUN ?? (process.getuid?.() === 0 ? undefined : "adopting needs root's cgroups");
if (skip) console.warn(`skipped: ${skip}`);

let daemon: DaemonProgram;
beforeAll(async () => {
  daemon = await buildDaemon();
}, 60_000);
afterAll(() => daemon.remove());

const comeBack = (directory: string): Promise<RealHarness> =>
  startReal(directory, { adoptMs: 60_000 });

/** A supervisor that lets go, in this process. */
async function left(directory: string, units: Readonly<Record<string, string>>): Promise<void> {
  const { supervisor } = await comeBack(directory);
  for (const [name, content] of Object.entries(units)) await supervisor.load(name, content);
  for (const name of Object.keys(units)) await supervisor.start(name);
  await supervisor.detach();
}

describe.skipIf(skip)("units outlive their supervisor", () => {
  it("SIGKILL: the next one adopts, journals what was written meanwhile, and stops them", async () => {
    const directory = await temporaryDirectory();
    const go = join(directory, "go");
    const web = `[Unit]\nDescription=the web\n[Service]\nExecStart=/bin/sh -c 'echo before; until [ -e ${go} ]; do sleep 0.02; done; echo after; exec sleep 60'\n`;
    await daemon.runAndKill(directory, {
      [A]: web,
      "done.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
      "t.target": "[Unit]\nDescription=a target\n",
    });
    await writeFile(go, "");
    const { supervisor, said, output, states } = await comeBack(directory);
    const status = (await supervisor.status(A))!;
    expect(status).toMatchObject({ active: "active", sub: "running", description: "the web" });
    expect(() => process.kill(status.mainPid, 0)).not.toThrow();
    expect((await supervisor.status("done.service"))?.sub).toBe("exited");
    expect((await supervisor.status("t.target"))?.active).toBe("active");
    expect(supervisor.content(A)).toBe(web);
    await said(A, "after");
    expect(await output(A)).toEqual(["before", "after"]);
    expect(await supervisor.stop(A)).toBe("done");
    expect(states(A)).toEqual(["stop-sigterm", "dead"]);
    expect(() => process.kill(status.mainPid, 0)).toThrow();
  });

  it("an end in the gap is seen with its status, and restarted as the unit says", async () => {
    const directory = await temporaryDirectory();
    const marker = join(directory, "ran");
    await daemon.runAndKill(directory, {
      [A]: `[Service]\nRestart=on-failure\nRestartSec=10ms\nExecStart=/bin/sh -c 'test -e ${marker} && exec sleep 60; sleep 1; echo > ${marker}; exit 3'\n`,
    });
    await expect.poll(() => existsSync(marker)).toBe(true);
    const { reached, states, supervisor, notes } = await comeBack(directory);
    await reached(A, ({ sub, restarts }) => sub === "running" && restarts === 1);
    expect(states(A)).toEqual(["failed", "auto-restart", "dead", "running"]);
    expect((await notes(A)).join("\n")).toContain("status=3");
    expect((await supervisor.status(A))?.restarts).toBe(1);
  });

  it("let go in the middle of a start: it goes on where it was, and its job with it", async () => {
    const directory = await temporaryDirectory();
    const go = join(directory, "go");
    const first = await comeBack(directory);
    const wait = `/bin/sh -c 'until [ -e ${go} ]; do sleep 0.02; done; echo once'`;
    await first.supervisor.load(
      "schema.service",
      `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=${wait}\nExecStart=/bin/echo twice\n`,
    );
    await first.supervisor.load(
      A,
      "[Unit]\nRequires=schema.service\nAfter=schema.service\n[Service]\nExecStart=/bin/sleep 60\n",
    );
    void first.supervisor.start(A);
    await first.reached("schema.service", ({ sub }) => sub === "start");
    await first.supervisor.detach();
    await writeFile(go, "");
    const second = await comeBack(directory);
    await second.reached(A, ({ sub }) => sub === "running");
    expect(second.states("schema.service")).toEqual(["exited"]);
    expect(await second.output("schema.service")).toEqual(["once", "twice"]);
  });

  it("a watchdog goes on, and a new definition waits for the next start", async () => {
    const directory = await temporaryDirectory();
    const first = await comeBack(directory);
    await first.supervisor.load(A, "[Service]\nWatchdogSec=1\nExecStart=/bin/sleep 60\n");
    await first.supervisor.start(A);
    await first.supervisor.load(A, "[Service]\nRestart=no\nExecStart=/bin/sleep 61\n");
    await first.supervisor.detach();
    const { reached, supervisor } = await comeBack(directory);
    expect((await reached(A, ({ sub }) => sub === "failed")).result).toBe("watchdog");
    await supervisor.start(A);
    expect(supervisor.content(A)).toContain("61");
    expect((await supervisor.status(A))?.sub).toBe("running");
  });

  it("what is adopted can be left again, and is gone when nobody wants it", async () => {
    const directory = await temporaryDirectory();
    await left(directory, { [A]: "[Service]\nExecStart=/bin/sleep 60\n" });
    const again = await comeBack(directory);
    const { mainPid } = (await again.supervisor.status(A))!;
    await again.supervisor.detach();
    const { supervisor } = await startReal(directory);
    expect(supervisor.list()).toEqual([]);
    expect(() => process.kill(mainPid, 0)).toThrow();
  });
});
