import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Harness, startHarness, temporaryDirectory } from "./support/harness.js";

const A = "a.service";
const SLEEP = "ExecStart=/bin/sleep 60";
/** Ignores SIGTERM, and says when it does. */
const STUBBORN = "ExecStart=/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; done'";

async function withUnit(section: string, unit = ""): Promise<Harness> {
  const harness = await startHarness();
  await harness.supervisor.load(A, `[Unit]\n${unit}\n[Service]\n${section}\n`);
  return harness;
}

async function untilOutput(harness: Harness, line: string): Promise<void> {
  const stop = new AbortController();
  for await (const { message } of harness.supervisor.journal(A, {
    follow: true,
    signal: stop.signal,
  })) {
    if (message === line) stop.abort();
  }
}

describe("the commands around a service", () => {
  it("run in systemd's order", async () => {
    const { supervisor, states, output } = await withUnit(
      [
        "ExecCondition=/bin/echo condition",
        "ExecStartPre=/bin/echo pre1",
        "ExecStartPre=/bin/echo pre2",
        SLEEP,
        "ExecStartPost=/bin/echo post",
        "ExecReload=/bin/echo reload",
        "ExecStop=/bin/echo stop",
        "ExecStopPost=/bin/echo stoppost",
      ].join("\n"),
    );
    expect(await supervisor.start(A)).toBe("done");
    expect(await supervisor.reload(A)).toBe("done");
    expect(await supervisor.stop(A)).toBe("done");
    expect(states(A)).toEqual([
      "condition",
      "start-pre",
      "start-post",
      "running",
      "reload",
      "running",
      "stop",
      "stop-sigterm",
      "stop-post",
      "dead",
    ]);
    expect(await output(A)).toEqual([
      "condition",
      "pre1",
      "pre2",
      "post",
      "reload",
      "stop",
      "stoppost",
    ]);
  });

  it("a failing ExecStartPre= fails the start, ExecStopPost= runs all the same", async () => {
    const { supervisor, states, output } = await withUnit(
      `ExecStartPre=/bin/false\nExecStartPre=/bin/echo never\n${SLEEP}\nExecStop=/bin/echo never\nExecStopPost=/bin/echo post`,
    );
    expect(await supervisor.start(A)).toBe("failed");
    expect(states(A)).toEqual(["start-pre", "stop-post", "failed"]);
    expect(await output(A)).toEqual(["post"]);
    expect(await supervisor.status(A)).toMatchObject({ result: "exit-code" });
  });

  it("a failing ExecStartPost= stops what runs", async () => {
    const { supervisor, states } = await withUnit(`${SLEEP}\nExecStartPost=/bin/false`);
    expect(await supervisor.start(A)).toBe("failed");
    expect(states(A)).toEqual(["start-post", "stop-sigterm", "failed"]);
  });

  it("a failing ExecStop= makes the result, a failing ExecReload= does not", async () => {
    const { supervisor } = await withUnit(`${SLEEP}\nExecStop=/bin/false\nExecReload=/bin/false`);
    await supervisor.start(A);
    expect(await supervisor.reload(A)).toBe("failed");
    expect(await supervisor.status(A)).toMatchObject({ active: "active", result: "success" });
    expect(await supervisor.stop(A)).toBe("done");
    expect(await supervisor.status(A)).toMatchObject({ active: "failed", result: "exit-code" });
  });

  it("ExecCondition= with 1 to 254 skips the unit cleanly, with 255 it fails", async () => {
    const skipped = await withUnit(`ExecCondition=/bin/false\n${SLEEP}\nRestart=always`);
    expect(await skipped.supervisor.start(A)).toBe("skipped");
    expect(await skipped.supervisor.status(A)).toMatchObject({
      active: "inactive",
      result: "exec-condition",
    });
    const failed = await withUnit(`ExecCondition=/bin/sh -c 'exit 255'\n${SLEEP}`);
    expect(await failed.supervisor.start(A)).toBe("failed");
  });

  it("commands with - may fail", async () => {
    const { supervisor } = await withUnit(
      `ExecStartPre=-/bin/false\nExecStartPre=-/does/not/exist\n${SLEEP}\nExecStop=-/bin/false`,
    );
    expect(await supervisor.start(A)).toBe("done");
    expect(await supervisor.stop(A)).toBe("done");
    expect(await supervisor.status(A)).toMatchObject({ active: "inactive", result: "success" });
  });

  it("commands with : are not expanded; MAINPID is known to those after the start", async () => {
    const { supervisor, output } = await withUnit(
      `Environment=X=value\n${SLEEP}\nExecStartPost=:/bin/echo $X\nExecStartPost=/bin/echo $X $MAINPID`,
    );
    await supervisor.start(A);
    const { mainPid } = (await supervisor.status(A))!;
    expect(await output(A)).toEqual(["$X", `value ${mainPid}`]);
  });
});

describe("time limits", () => {
  it("TimeoutStartSec= ends a start that takes too long", async () => {
    const { supervisor, states } = await withUnit(
      "Type=oneshot\nExecStart=/bin/sleep 60\nTimeoutStartSec=100ms",
    );
    expect(await supervisor.start(A)).toBe("failed");
    expect(states(A)).toEqual(["start", "stop-sigterm", "failed"]);
    expect(await supervisor.status(A)).toMatchObject({ result: "timeout" });
  });

  it("TimeoutStopSec= kills what ignores SIGTERM", async () => {
    const harness = await withUnit(`${STUBBORN}\nTimeoutStopSec=150ms`);
    await harness.supervisor.start(A);
    await untilOutput(harness, "ready");
    expect(await harness.supervisor.stop(A)).toBe("done");
    expect(harness.states(A)).toEqual(["running", "stop-sigterm", "stop-sigkill", "failed"]);
    expect(await harness.supervisor.status(A)).toMatchObject({
      result: "timeout",
      exitSignal: "SIGKILL",
    });
  });

  it("an ExecStop= that hangs is ended, and the service with it", async () => {
    const { supervisor, states } = await withUnit(
      `${SLEEP}\nExecStop=/bin/sleep 60\nTimeoutStopSec=100ms`,
    );
    await supervisor.start(A);
    expect(await supervisor.stop(A)).toBe("done");
    expect(states(A)).toEqual(["running", "stop", "stop-sigterm", "failed"]);
    expect(await supervisor.status(A)).toMatchObject({ result: "timeout" });
  });

  it("RuntimeMaxSec= ends a service that runs too long", async () => {
    const { supervisor, reached } = await withUnit(`${SLEEP}\nRuntimeMaxSec=100ms`);
    await supervisor.start(A);
    expect(await reached(A, ({ sub }) => sub === "failed")).toMatchObject({ result: "timeout" });
  });
});

describe("KillMode=", () => {
  const PARENT = "ExecStart=/bin/sh -c '(trap \"\" TERM; echo child; sleep 60; :) & wait'";

  it("control-group signals every process, and the leftover is killed in the end", async () => {
    const harness = await withUnit(`${PARENT}\nTimeoutStopSec=150ms`);
    await harness.supervisor.start(A);
    await untilOutput(harness, "child");
    await harness.supervisor.stop(A);
    expect(harness.states(A)).toEqual([
      "running",
      "stop-sigterm",
      "final-sigterm",
      "final-sigkill",
      "failed",
    ]);
  });

  it("mixed signals the main process, and kills the rest", async () => {
    const harness = await withUnit(`${PARENT}\nTimeoutStopSec=5s\nKillMode=mixed`);
    await harness.supervisor.start(A);
    await untilOutput(harness, "child");
    await harness.supervisor.stop(A);
    expect(harness.states(A)).toEqual(["running", "stop-sigterm", "final-sigkill", "dead"]);
  });

  it("KillSignal= is what is sent, SendSIGHUP= adds to it", async () => {
    const harness = await withUnit(
      "ExecStart=/bin/sh -c 'trap u=1 USR1; trap h=1 HUP; echo ready; while [ \"$u$h\" != 11 ]; do sleep 0.05; done; echo both'\nKillSignal=SIGUSR1\nSendSIGHUP=yes",
    );
    await harness.supervisor.start(A);
    await untilOutput(harness, "ready");
    await harness.supervisor.stop(A);
    expect(await harness.output(A)).toEqual(expect.arrayContaining(["ready", "both"]));
    expect(await harness.supervisor.status(A)).toMatchObject({ active: "inactive" });
  });
});

describe("restart", () => {
  it("comes after RestartSec= until the start limit is hit", async () => {
    const { supervisor, states, reached, notes } = await withUnit(
      "ExecStart=/bin/false\nRestart=on-failure\nRestartSec=20ms",
      "StartLimitBurst=3\nStartLimitIntervalSec=60",
    );
    await supervisor.start(A);
    await reached(A, ({ restarts, sub }) => restarts === 3 && sub === "failed");
    const round = ["running", "failed", "auto-restart", "dead"];
    expect(states(A)).toEqual([...round, ...round, ...round, "failed"]);
    expect(await supervisor.status(A)).toMatchObject({ active: "failed", restarts: 3 });
    expect(await notes(A)).toContain("Scheduled restart job, restart counter is at 3.");
    expect(await supervisor.start(A)).toBe("failed");
    supervisor.resetFailed(A);
    expect(await supervisor.status(A)).toMatchObject({ active: "inactive", restarts: 0 });
    expect(await supervisor.start(A)).toBe("done");
  });

  it("does not come after a stop, nor while it waits for RestartSec=", async () => {
    const { supervisor, reached, states } = await withUnit(
      "ExecStart=/bin/false\nRestart=always\nRestartSec=1h",
    );
    await supervisor.start(A);
    await reached(A, ({ sub }) => sub === "auto-restart");
    expect(await supervisor.stop(A)).toBe("done");
    expect(states(A).at(-1)).toBe("dead");
    await supervisor.load(A, "[Service]\nExecStart=/bin/sleep 60\nRestart=always\n");
    await supervisor.start(A);
    await supervisor.stop(A);
    expect(states(A).slice(-2)).toEqual(["stop-sigterm", "dead"]);
  });

  it("tells listeners that a failed unit will come back", async () => {
    const { supervisor, reached } = await withUnit(
      "ExecStart=/bin/false\nRestart=always\nRestartSec=1h",
    );
    await supervisor.start(A);
    expect(await reached(A, ({ sub }) => sub === "failed")).toMatchObject({ willRestart: true });
  });

  it("takes the definition that was loaded meanwhile", async () => {
    const { supervisor } = await withUnit(SLEEP);
    await supervisor.start(A);
    const before = (await supervisor.status(A))!.mainPid;
    await supervisor.load(A, "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
    expect(await supervisor.status(A)).toMatchObject({ sub: "running", mainPid: before });
    expect(await supervisor.restart(A)).toBe("done");
    expect(await supervisor.status(A)).toMatchObject({ sub: "exited" });
  });
});

describe("forking", () => {
  it("is started when its parent exits, with the daemon of the PID file", async () => {
    const directory = await temporaryDirectory();
    const { supervisor, states, reached } = await withUnit(
      `Type=forking\nPIDFile=${directory}/pid\nExecStart=/bin/sh -c 'sleep 60 & echo $$! > ${directory}/pid'`,
    );
    expect(await supervisor.start(A)).toBe("done");
    const { mainPid } = (await supervisor.status(A))!;
    expect(mainPid).toBeGreaterThan(1);
    expect(states(A)).toEqual(["start", "running"]);
    process.kill(mainPid, "SIGTERM");
    await reached(A, ({ sub }) => sub === "dead");
  });

  it("guesses the daemon when it is alone", async () => {
    const { supervisor } = await withUnit("Type=forking\nExecStart=/bin/sh -c 'sleep 60 &'");
    expect(await supervisor.start(A)).toBe("done");
    expect((await supervisor.status(A))!.mainPid).toBeGreaterThan(1);
    expect(await supervisor.stop(A)).toBe("done");
  });
});

describe("notify", () => {
  const NOTIFY = `Type=notify\nNotifyAccess=all\n${SLEEP}`;

  it("is started at READY=1, keeps STATUS=, and stops itself at STOPPING=1", async () => {
    const { supervisor, runtime, reached, states } = await withUnit(NOTIFY);
    const started = supervisor.start(A);
    await reached(A, ({ sub }) => sub === "start");
    expect(runtime.created[0]).toMatchObject({ id: A, notify: true });
    runtime.sandbox(A).onNotify?.({ STATUS: "warming up" }, 0);
    runtime.sandbox(A).onNotify?.({ READY: "1", STATUS: "serving" }, 0);
    expect(await started).toBe("done");
    expect(await supervisor.status(A)).toMatchObject({ statusText: "serving", tasks: 1 });
    runtime.sandbox(A).onNotify?.({ STOPPING: "1" }, 0);
    const stopping = await reached(A, ({ sub }) => sub === "stop-sigterm");
    process.kill(stopping.mainPid, "SIGTERM");
    await reached(A, ({ sub }) => sub === "dead");
    expect(states(A)).toEqual(["start", "running", "stop-sigterm", "dead"]);
  });

  it("that exits before it is ready breaks the protocol", async () => {
    const { supervisor } = await withUnit("Type=notify\nExecStart=/bin/true");
    expect(await supervisor.start(A)).toBe("failed");
    expect(await supervisor.status(A)).toMatchObject({ result: "protocol" });
  });

  it("may ask for more time", async () => {
    const { supervisor, runtime, reached } = await withUnit(`${NOTIFY}\nTimeoutStartSec=200ms`);
    const started = supervisor.start(A);
    await reached(A, ({ sub }) => sub === "start");
    runtime.sandbox(A).onNotify?.({ EXTEND_TIMEOUT_USEC: "60000000" }, 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await supervisor.status(A))?.sub).toBe("start");
    runtime.sandbox(A).onNotify?.({ READY: "1" }, 0);
    expect(await started).toBe("done");
  });

  it("is killed when its watchdog is not fed", async () => {
    const { supervisor, reached, states } = await withUnit(`${SLEEP}\nWatchdogSec=150ms`);
    await supervisor.start(A);
    expect(await reached(A, ({ sub }) => sub === "failed")).toMatchObject({ result: "watchdog" });
    expect(states(A)).toEqual(["running", "stop-watchdog", "failed"]);
  });

  it("NotifyAccess=main ignores others", async () => {
    const { supervisor, runtime, reached } = await withUnit(
      `Type=notify\nTimeoutStartSec=300ms\n${SLEEP}`,
    );
    const started = supervisor.start(A);
    await reached(A, ({ sub }) => sub === "start");
    runtime.sandbox(A).onNotify?.({ READY: "1" }, 1);
    expect(await started).toBe("failed");
  });
});

describe("what the machine refuses", () => {
  it("a sandbox or a fork that fails: resources", async () => {
    const { supervisor, runtime, notes } = await withUnit(SLEEP);
    runtime.failNext = new Error("no more processes");
    expect(await supervisor.start(A)).toBe("failed");
    expect(await supervisor.status(A)).toMatchObject({ result: "resources" });
    expect(await notes(A)).toContain("Failed to run ExecStart=: no more processes");
    expect(await supervisor.start(A)).toBe("done");
  });

  it("memory: oom-kill", async () => {
    const { supervisor, runtime, reached } = await withUnit(SLEEP);
    await supervisor.start(A);
    runtime.sandbox(A).killedByOom = true;
    process.kill((await supervisor.status(A))!.mainPid, "SIGKILL");
    expect(await reached(A, ({ sub }) => sub === "failed")).toMatchObject({ result: "oom-kill" });
  });

  it("passes limits, identity and directories to the runtime", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "work"));
    const { supervisor, runtime } = await withUnit(
      [
        SLEEP,
        "CPUQuota=50%\nMemoryMax=64M\nTasksMax=20\nLimitNOFILE=100:200\nUMask=0027\nNice=5",
        `User=nobody\nGroup=nogroup\nWorkingDirectory=${directory}/work`,
        "ExecStartPost=+/bin/true",
      ].join("\n"),
    );
    expect(await supervisor.start(A)).toBe("done");
    expect(runtime.created[0]).toMatchObject({
      cpuQuotaPercent: 50,
      memoryMaxBytes: 64 * 1024 * 1024,
      tasksMax: 20,
    });
    const [main, post] = runtime.sandbox(A).specs;
    expect(main).toMatchObject({
      user: "nobody",
      group: "nogroup",
      umask: 0o027,
      nice: 5,
      workingDirectory: join(directory, "work"),
      limits: { NOFILE: { soft: 100, hard: 200 } },
      environment: { USER: "nobody", LOGNAME: "nobody", HOME: "/nonexistent" },
    });
    expect(post).not.toHaveProperty("user");
  });

  it("WorkingDirectory=-… may be missing", async () => {
    const { supervisor, runtime } = await withUnit(`${SLEEP}\nWorkingDirectory=-/absent`);
    expect(await supervisor.start(A)).toBe("done");
    expect(runtime.sandbox(A).specs[0]).not.toHaveProperty("workingDirectory");
  });
});

describe("the supervisor", () => {
  it("leaves nothing behind: processes, timers, sandboxes", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "flag"), "");
    const { supervisor, runtime } = await withUnit(
      `${SLEEP}\nWatchdogSec=1h\nRuntimeMaxSec=1h\nExecStop=/bin/rm ${directory}/flag`,
    );
    await supervisor.start(A);
    const { mainPid } = (await supervisor.status(A))!;
    await supervisor.shutdown();
    await expect(access(join(directory, "flag"))).rejects.toThrow();
    expect(() => process.kill(mainPid, 0)).toThrow();
    expect(runtime.disposed).toBe(true);
    expect(runtime.sandboxes.size).toBe(0);
    await expect(supervisor.start(A)).rejects.toMatchObject({ code: "stopped" });
  });

  it("kills what does not stop in time", async () => {
    const harness = await startHarness({ shutdownTimeoutMs: 200 });
    await harness.supervisor.load(A, `[Service]\n${STUBBORN}\nTimeoutStopSec=infinity\n`);
    await harness.supervisor.start(A);
    await untilOutput(harness, "ready");
    await harness.supervisor.shutdown();
    expect(harness.runtime.sandboxes.size).toBe(0);
  });
});
