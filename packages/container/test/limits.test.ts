import { describe, expect, test } from "vitest";
import { observe, PATH, testRuntime, until } from "./support.js";

const probe = await (async () => {
  const { Cgroups } = await import("../src/cgroup/cgroups.js");
  const cgroups = await Cgroups.open(`flotilla-test/probe-${process.pid}`, "auto");
  const made = await cgroups.create({
    id: "probe",
    notify: false,
    cpuQuotaPercent: 50,
    memoryMaxBytes: 64 << 20,
    tasksMax: 10,
  });
  await made?.remove();
  await cgroups.close();
  return { mode: cgroups.mode, ignored: made?.ignored ?? ["all"] };
})();
const enforced = probe.ignored.length === 0;
if (!enforced) console.warn(`limits skipped: this machine's cgroups lack ${probe.ignored}`);

describe.runIf(enforced)("limits", () => {
  test("memory: the kernel kills, and oomKilled tells it from another SIGKILL", async () => {
    const { sandbox, shell } = await observe(await testRuntime(), { memoryMaxBytes: 24 << 20 });
    expect(sandbox.ignoredLimits).toEqual([]);
    const sleep = await sandbox.exec({
      path: "sleep",
      argv: ["sleep", "60"],
      environment: { PATH },
    });
    await sandbox.signal(sleep.pid, "SIGKILL");
    await sleep.exited;
    expect(await sandbox.oomKilled()).toBe(false);
    const hog = await sandbox.exec({
      path: "perl",
      argv: ["perl", "-e", "my @a; push @a, 'x' x (1 << 20) for 1 .. 200; print scalar @a"],
      environment: { PATH },
    });
    expect(await hog.exited).toMatchObject({ type: "signaled", signal: "SIGKILL" });
    expect(await sandbox.oomKilled()).toBe(true);
    await shell("true");
    expect(await sandbox.oomKilled()).toBe(false);
  });

  test("tasks: fork fails with EAGAIN", async () => {
    const { output, run } = await observe(await testRuntime(), { tasksMax: 3 });
    const script =
      "my $n = 0; for (1 .. 5) { my $p = fork; if (!defined $p) { print $n, ' ', $!{EAGAIN} ? 1 : 0; last }" +
      " if (!$p) { sleep 30; exit } $n++ } kill 9, -getpgrp";
    await run({ path: "perl", argv: ["perl", "-MErrno", "-e", `$| = 1; ${script}`] });
    expect(output.stdout).toBe("2 1");
  });

  test("CPU: half a CPU takes twice as long", async () => {
    const { run, sandbox } = await observe(await testRuntime(), { cpuQuotaPercent: 50 });
    const script = "my $t = times; 1 while (times)[0] < 0.6";
    const started = performance.now();
    await run({ path: "perl", argv: ["perl", "-e", script] });
    // Never less than 1.1 s at 50 %, however fast the machine; more when it is busy.
    expect(performance.now() - started).toBeGreaterThan(1000);
    const stats = await sandbox.stats();
    expect(stats.cpuUsec).toBeGreaterThan(500_000);
  });

  test("CPU weight is taken", async () => {
    const { sandbox, shell } = await observe(await testRuntime(), { cpuWeight: 50 });
    expect(sandbox.ignoredLimits).toEqual([]);
    expect(await shell("true")).toEqual({ type: "exited", code: 0 });
  });
});

test("stats of what runs", async () => {
  const { sandbox } = await observe(await testRuntime(), {});
  const script = "my $x = 'x' x (20 << 20); fork; sleep 60";
  await sandbox.exec({ path: "perl", argv: ["perl", "-e", script], environment: { PATH } });
  await until(async () => (await sandbox.stats()).memoryBytes > 20 << 20);
  await until(async () => (await sandbox.stats()).tasks === 2);
});

test("without cgroups, limits are listed as ignored", async () => {
  const runtime = await testRuntime({ cgroups: "none" });
  expect(runtime.cgroups).toBe("none");
  const { sandbox } = await observe(runtime, { memoryMaxBytes: 1 << 30, tasksMax: 5 });
  expect(sandbox.ignoredLimits).toEqual(["memoryMaxBytes", "tasksMax"]);
});
