import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CANNOT_RUN, startReal } from "./support/real.js";

const A = "a.service";
const SLEEP = "ExecStart=/bin/sleep 60";

if (CANNOT_RUN) console.warn(`skipped: ${CANNOT_RUN}`);

/** A notifier in one line: sends what it is given to NOTIFY_SOCKET, from its own pid. */
const NOTIFY =
  'use Socket; socket(S,AF_UNIX,SOCK_DGRAM,0); sub n { send(S,join("\\n",@_),0,pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die $! }';

describe.skipIf(CANNOT_RUN)("over @flotilla/container", () => {
  it("simple: runs, is watched, stops", async () => {
    const { supervisor, states, output } = await startReal();
    await supervisor.load(
      A,
      "[Service]\nExecStart=/bin/sh -c 'echo out; echo err >&2; exec sleep 60'\n",
    );
    expect(await supervisor.start(A)).toBe("done");
    const { mainPid } = (await supervisor.status(A))!;
    expect(() => process.kill(mainPid, 0)).not.toThrow();
    // Started means forked: the shell may not have come to its first line yet.
    await expect.poll(async () => (await output(A)).length).toBe(2);
    expect(await supervisor.stop(A)).toBe("done");
    expect(states(A)).toEqual(["running", "stop-sigterm", "dead"]);
    expect((await output(A)).sort()).toEqual(["err", "out"]);
    expect(() => process.kill(mainPid, 0)).toThrow();
  });

  it.skipIf(process.getuid?.() !== 0)(
    "directories are made, owned and told; /run's goes",
    async () => {
      const { supervisor, output, notes } = await startReal();
      const name = `flotilla-test-${process.pid}`;
      await supervisor.load(
        A,
        `[Service]\nUser=nobody\nRuntimeDirectory=${name}\nRuntimeDirectoryMode=0750\nNoNewPrivileges=yes\nExecStart=/bin/sh -c 'stat -c "%%U %%a" $RUNTIME_DIRECTORY; exec sleep 60'\n`,
      );
      await supervisor.start(A);
      await expect.poll(() => output(A)).toEqual(["nobody 750"]);
      expect((await notes(A)).join("\n")).toContain(
        "Not enforced by this supervisor: NoNewPrivileges",
      );
      await supervisor.stop(A);
      expect(existsSync(`/run/${name}`)).toBe(false);
    },
  );

  it("exec: set-up failures are systemd's exit codes", async () => {
    const { supervisor, notes } = await startReal();
    await supervisor.load(A, "[Service]\nType=exec\nExecStart=/does/not/exist\n");
    expect(await supervisor.start(A)).toBe("failed");
    expect(await supervisor.status(A)).toMatchObject({ result: "exit-code", exitCode: 203 });
    expect((await notes(A)).join("\n")).toContain("Failed at step EXEC");
    await supervisor.load(
      "b.service",
      `[Service]\nType=exec\nWorkingDirectory=/absent\n${SLEEP}\n`,
    );
    expect(await supervisor.start("b.service")).toBe("failed");
    expect(await supervisor.status("b.service")).toMatchObject({ exitCode: 200 });
    await supervisor.load("c.service", `[Service]\nType=exec\n${SLEEP}\n`);
    expect(await supervisor.start("c.service")).toBe("done");
  });

  it("notify: READY=1, STATUS= and WATCHDOG=1 from the main process", async () => {
    const { supervisor, states, reached } = await startReal();
    await supervisor.load(
      A,
      `[Service]\nType=notify\nWatchdogSec=400ms\nExecStart=/usr/bin/perl -e '${NOTIFY} n("STATUS=warm","READY=1"); for (1..8) { select(undef,undef,undef,0.1); n("WATCHDOG=1") } sleep 60'\n`,
    );
    expect(await supervisor.start(A)).toBe("done");
    expect((await supervisor.status(A))?.statusText).toBe("warm");
    const startedAt = Date.now();
    const end = await reached(A, ({ sub }) => sub === "failed");
    expect(end.result).toBe("watchdog");
    expect(Date.now() - startedAt).toBeGreaterThan(800);
    expect(states(A)).toEqual(["start", "running", "stop-watchdog", "failed"]);
  });

  it.skipIf(!existsSync("/usr/bin/systemd-notify"))("notify: systemd-notify --ready", async () => {
    const { supervisor } = await startReal();
    await supervisor.load(
      A,
      "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=10\nExecStart=/bin/sh -c 'systemd-notify --ready --status=up; exec sleep 60'\n",
    );
    expect(await supervisor.start(A)).toBe("done");
    expect((await supervisor.status(A))?.statusText).toBe("up");
  });

  it("notify: STOPPING=1, then the end", async () => {
    const { supervisor, states, reached } = await startReal();
    await supervisor.load(
      A,
      `[Service]\nType=notify\nExecStart=/usr/bin/perl -e '${NOTIFY} n("READY=1"); n("STOPPING=1"); select(undef,undef,undef,0.1)'\n`,
    );
    expect(await supervisor.start(A)).toBe("done");
    await reached(A, ({ sub }) => sub === "dead");
    expect(states(A)).toEqual(["start", "running", "stop-sigterm", "dead"]);
  });

  it("notify: MAINPID= hands over to a child", async () => {
    const { supervisor, reached } = await startReal();
    await supervisor.load(
      A,
      `[Service]\nType=notify\nExecStart=/usr/bin/perl -e '${NOTIFY} my $c = fork; if (!$c) { exec "sleep", "60" } n("MAINPID=$c","READY=1"); sleep 60'\n`,
    );
    expect(await supervisor.start(A)).toBe("done");
    const { mainPid } = (await supervisor.status(A))!;
    process.kill(mainPid, "SIGKILL");
    await reached(A, ({ active }) => active === "inactive" || active === "failed");
  });

  it("a unit that forks and detaches is stopped whole", async () => {
    const { supervisor, output, said, runtime } = await startReal();
    if (runtime.cgroups === "none") return;
    await supervisor.load(
      A,
      '[Service]\nExecStart=/usr/bin/perl -l -e \'use POSIX; $|=1; if (!fork) { setsid; if (!fork) { print "pid $$$$"; print "ready"; sleep 60 } exit } sleep 60\'\n',
    );
    await supervisor.start(A);
    await said(A, "ready");
    const pid = Number((await output(A)).find((line) => line.startsWith("pid "))?.slice(4));
    expect(() => process.kill(pid, 0)).not.toThrow();
    await supervisor.stop(A);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it("forking: the parent ends, the daemon is found", async () => {
    const { supervisor, reached } = await startReal();
    await supervisor.load(A, "[Service]\nType=forking\nExecStart=/bin/sh -c 'setsid sleep 60 &'\n");
    expect(await supervisor.start(A)).toBe("done");
    const { mainPid } = (await supervisor.status(A))!;
    expect(mainPid).toBeGreaterThan(1);
    process.kill(mainPid, "SIGTERM");
    await reached(A, ({ sub }) => sub === "dead");
  });

  it("SIGTERM ignored: SIGKILL after TimeoutStopSec=", async () => {
    const { supervisor, states, said } = await startReal();
    await supervisor.load(
      A,
      "[Service]\nTimeoutStopSec=150ms\nExecStart=/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; done'\n",
    );
    await supervisor.start(A);
    await said(A, "ready");
    await supervisor.stop(A);
    // The shell's `sleep` may outlive it by a moment, which shows as final-sigterm.
    expect(states(A).filter((sub) => sub !== "final-sigterm")).toEqual([
      "running",
      "stop-sigterm",
      "stop-sigkill",
      "failed",
    ]);
    expect(await supervisor.status(A)).toMatchObject({ result: "timeout", exitSignal: "SIGKILL" });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "User=, Nice=, UMask= and limits reach the process",
    async () => {
      const { supervisor, output } = await startReal();
      await supervisor.load(
        A,
        "[Service]\nType=oneshot\nUser=nobody\nNice=7\nUMask=0027\nLimitNOFILE=99\nWorkingDirectory=/tmp\nExecStart=/bin/sh -c 'id -un; nice; umask; ulimit -n; pwd; echo $HOME'\n",
      );
      expect(await supervisor.start(A)).toBe("done");
      expect(await output(A)).toEqual(["nobody", "7", "0027", "99", "/tmp", "/nonexistent"]);
    },
  );

  it("a stop right after the start reaches a process that is not executed yet", async () => {
    const { supervisor, states } = await startReal();
    await supervisor.load(A, `[Service]\n${SLEEP}\n`);
    for (let round = 0; round < 5; round += 1) {
      await supervisor.start(A);
      await supervisor.stop(A);
    }
    expect(new Set(states(A))).toEqual(new Set(["running", "stop-sigterm", "dead"]));
  });

  it("restarts what crashes", async () => {
    const { supervisor, states, reached } = await startReal();
    await supervisor.load(A, `[Service]\n${SLEEP}\nRestart=on-failure\nRestartSec=20ms\n`);
    await supervisor.start(A);
    const { mainPid } = (await supervisor.status(A))!;
    process.kill(mainPid, "SIGKILL");
    await reached(A, ({ restarts, sub }) => restarts === 1 && sub === "running");
    expect(states(A)).toEqual(["running", "failed", "auto-restart", "dead", "running"]);
  });

  it("takes a flood of output without losing a line, whole lines to the last", async () => {
    const { supervisor, output } = await startReal();
    await supervisor.load(
      A,
      '[Service]\nType=oneshot\nExecStart=/usr/bin/perl -e \'print "$_ ", "x" x 90, "\\n" for 1..20000; print "no newline"\'\n',
    );
    expect(await supervisor.start(A)).toBe("done");
    const lines = await output(A);
    expect(lines).toHaveLength(20_001);
    expect(lines.map((line) => line.split(" ")[0]).slice(0, -1)).toEqual(
      Array.from({ length: 20_000 }, (_, i) => String(i + 1)),
    );
    expect(lines.at(-1)).toBe("no newline");
  });
});
