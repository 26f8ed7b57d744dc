import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startHarness, temporaryDirectory } from "./support/harness.js";

const TICK = "[Service]\nType=oneshot\nExecStart=/bin/echo tick\n";

describe("timers", () => {
  it("start their unit when it is time, and again after it has rested", async () => {
    const { supervisor, reached, states, output } = await startHarness();
    await supervisor.load("t.service", TICK);
    await supervisor.load("t.timer", "[Timer]\nOnActiveSec=50ms\nOnUnitInactiveSec=50ms\n");
    expect(await supervisor.start("t.timer")).toBe("done");
    expect((await supervisor.status("t.timer"))?.nextTriggerAt).toBeGreaterThan(Date.now() - 1000);
    await expect.poll(async () => (await output("t.service")).length).toBeGreaterThan(2);
    expect(await supervisor.stop("t.timer")).toBe("done");
    await reached("t.timer", ({ sub }) => sub === "dead");
    expect(states("t.timer").slice(0, 3)).toEqual(["waiting", "running", "waiting"]);
  });

  it("elapse once where nothing comes again; a missing unit fails them", async () => {
    const { supervisor, reached } = await startHarness();
    await supervisor.load("t.timer", "[Timer]\nOnActiveSec=20ms\n");
    expect(await supervisor.start("t.timer")).toBe("failed");
    await supervisor.load("t.service", TICK);
    expect(await supervisor.start("t.timer")).toBe("done");
    await reached("t.timer", ({ sub }) => sub === "elapsed");
    expect((await supervisor.status("t.timer"))?.active).toBe("active");
  });

  it("Persistent= remembers over supervisors; RandomizedDelaySec= takes the chance it is given", async () => {
    const directory = await temporaryDirectory();
    const hour = 3_600_000;
    let now = Date.UTC(2026, 0, 1, 0, 30);
    const clock = { now: () => now, setTimer: () => () => {} };
    const text = "[Timer]\nOnCalendar=hourly\nPersistent=yes\nRandomizedDelaySec=10min\n";
    const next = async (): Promise<number> => {
      const { supervisor } = await startHarness({ directory, clock, random: () => 0.5 });
      await supervisor.load("t.service", TICK);
      await supervisor.load("t.timer", text);
      await supervisor.start("t.timer");
      const at = (await supervisor.status("t.timer"))?.nextTriggerAt ?? 0;
      await supervisor.detach();
      return at;
    };
    expect(await next()).toBe(Date.UTC(2026, 0, 1, 1) + 300_000);
    now += 5 * hour;
    // What was missed is due as soon as the supervisor is there.
    expect(await next()).toBe(now + 300_000);
  });
});

describe("paths", () => {
  it("PathExists= starts at once, or when it comes", async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, "deep/er/go");
    const { supervisor, reached, states } = await startHarness();
    await supervisor.load("p.service", `[Service]\nType=oneshot\nExecStart=/bin/rm ${file}\n`);
    await supervisor.load("p.path", `[Path]\nPathExists=${file}\n`);
    expect(await supervisor.start("p.path")).toBe("done");
    expect((await supervisor.status("p.path"))?.sub).toBe("waiting");
    await mkdir(join(directory, "deep/er"), { recursive: true });
    await writeFile(file, "");
    await reached("p.service", ({ sub }) => sub === "dead");
    await expect.poll(() => states("p.path")).toEqual(["waiting", "running", "waiting"]);
    expect(existsSync(file)).toBe(false);
  });

  it("PathModified= and DirectoryNotEmpty=", async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, "watched");
    await writeFile(file, "1");
    const { supervisor, reached, changes } = await startHarness();
    await supervisor.load("m.service", "[Service]\nExecStart=/bin/sleep 60\n");
    await supervisor.load("m.path", `[Path]\nPathModified=${file}\n`);
    await supervisor.start("m.path");
    await writeFile(file, "2");
    await reached("m.service", ({ sub }) => sub === "running");
    await supervisor.load(
      "d.service",
      `[Service]\nType=oneshot\nExecStart=/bin/rm -r ${directory}/d\n`,
    );
    await supervisor.load(
      "d.path",
      `[Path]\nDirectoryNotEmpty=${directory}/d\nMakeDirectory=yes\n`,
    );
    await supervisor.start("d.path");
    await writeFile(join(directory, "d/x"), "");
    await reached("d.service", ({ sub }) => sub === "dead");
    expect(changes.some(({ name, sub }) => name === "d.path" && sub === "running")).toBe(true);
    await rm(directory, { recursive: true, force: true });
  });

  it("what stays there is not started for ever", async () => {
    const { supervisor, reached } = await startHarness();
    await supervisor.load(
      "p.service",
      "[Unit]\nConditionPathExists=/absent\n[Service]\nExecStart=/bin/true\n",
    );
    await supervisor.load("p.path", "[Path]\nPathExists=/etc\nTriggerLimitBurst=3\n");
    await supervisor.start("p.path");
    const end = await reached("p.path", ({ sub }) => sub === "failed");
    expect(end.result).toBe("start-limit-hit");
  });
});

describe("conditions", () => {
  it("skip a start quietly, assertions fail it, and dependents see the difference", async () => {
    const { supervisor, notes } = await startHarness();
    const service = (unit: string): string =>
      `[Unit]\n${unit}\n[Service]\nExecStart=/bin/sleep 60\n`;
    await supervisor.load("c.service", service("ConditionPathExists=/absent"));
    await supervisor.load("a.service", service("AssertPathExists=/absent"));
    await supervisor.load("wants-c.service", service("Requires=c.service\nAfter=c.service"));
    await supervisor.load("wants-a.service", service("Requires=a.service\nAfter=a.service"));
    expect(await supervisor.start("c.service")).toBe("done");
    expect((await supervisor.status("c.service"))?.active).toBe("inactive");
    expect((await notes("c.service")).join()).toContain("ConditionPathExists=/absent");
    expect(await supervisor.start("a.service")).toBe("assert");
    expect(await supervisor.start("wants-c.service")).toBe("done");
    expect(await supervisor.start("wants-a.service")).toBe("dependency");
  });
});

describe("what comes and goes with others", () => {
  it("StopWhenUnneeded=, PropagatesStopTo=, RefuseManualStart=", async () => {
    const { supervisor, reached } = await startHarness();
    const service = (unit: string): string =>
      `[Unit]\n${unit}\n[Service]\nExecStart=/bin/sleep 60\n`;
    await supervisor.load("u.service", service("StopWhenUnneeded=yes\nRefuseManualStart=yes"));
    await supervisor.load("p.service", service(""));
    await supervisor.load("a.service", service("Requires=u.service\nPropagatesStopTo=p.service"));
    await expect(supervisor.start("u.service")).rejects.toMatchObject({ code: "refused" });
    await supervisor.start("p.service");
    await supervisor.start("a.service");
    expect((await supervisor.status("u.service"))?.active).toBe("active");
    await supervisor.stop("a.service");
    await reached("p.service", ({ sub }) => sub === "dead");
    await reached("u.service", ({ sub }) => sub === "dead");
  });
});
