import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { waitFor } from "../../src/index.js";
import { has } from "../support.js";
import { isRoot } from "./abilities.js";
import { OneMember } from "./one-member.js";
import { isAlive, processesWith } from "./processes.js";

const NOTIFY = "/usr/bin/systemd-notify";
if (!has(NOTIFY)) console.warn("skipped: needs Debian's package systemd");

const one = OneMember.forThisFile();

describe("services", () => {
  it.skipIf(!has(NOTIFY))("a notify service is up when it says so, with its status", async () => {
    await one.launch(
      "notify.service",
      `[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c '${one.waitForGate("notify")}; systemd-notify --ready --status="open for business"; exec sleep 1000'
`,
    );
    await one.untilSub("notify.service", "activating (start)");
    one.openGate("notify");
    const { statusText, mainPid } = await one.untilSub("notify.service", "active (running)");
    expect(statusText).toBe("open for business");
    expect(isAlive(mainPid)).toBe(true);
  });

  it("a notify service's own main process is heard; one that never tells fails in time", async () => {
    const send =
      'use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}); $s->send("READY=1\\\\nSTATUS=perl"); sleep 1000';
    await one.launch(
      "perl.service",
      `[Service]\nType=notify\nExecStart=/usr/bin/perl -e '${send.replaceAll("$", "$$$$")}'\n`,
    );
    await one.launch(
      "mute.service",
      "[Service]\nType=notify\nTimeoutStartSec=500ms\nExecStart=/bin/sleep 1000\n",
    );
    expect(await one.untilSub("perl.service", "active (running)")).toMatchObject({
      statusText: "perl",
    });
    const mute = await one.untilSub("mute.service", "failed (failed)");
    expect(mute).toMatchObject({ result: "timeout", mainPid: 0 });
  });

  it("a oneshot with RemainAfterExit stays active until it is stopped", async () => {
    await one.launch(
      "oneshot.service",
      `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/echo one
ExecStart=/bin/echo two
ExecStop=/bin/echo three
`,
    );
    const { mainPid } = await one.untilSub("oneshot.service", "active (exited)");
    expect(mainPid).toBe(0);
    expect(await one.untilWritten("oneshot.service", "two")).toEqual(["one", "two"]);
    await one.member.api.put("oneshot.service", { desired: "loaded" });
    await one.untilSub("oneshot.service", "inactive (dead)");
    expect(await one.untilWritten("oneshot.service", "three")).toEqual(["one", "two", "three"]);
  });

  it.skipIf(!isRoot)("commands run in order, with environment, directory and user", async () => {
    const files = join(one.directory, "settings");
    mkdirSync(files);
    writeFileSync(join(files, "env"), '# comment\nC="from a file"\nA=overridden\n');
    await one.launch(
      "order.service",
      `[Service]
Type=exec
User=nobody
WorkingDirectory=${files}
Environment=A=1 "B=two words"
EnvironmentFile=${files}/env
EnvironmentFile=-${files}/missing
ExecStartPre=/bin/sh -c 'echo "pre $A"'
ExecStart=/bin/sh -c 'echo "main $A/$B/$C by $(id -un) in $(pwd)"; exec sleep 1000'
ExecStartPost=/bin/sh -c 'echo "post $MAINPID"'
ExecStop=/bin/sh -c 'echo "stop $MAINPID"'
ExecStopPost=/bin/sh -c 'echo "after $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS"'
`,
    );
    const { mainPid } = await one.untilSub("order.service", "active (running)");
    const main = `main overridden/two words/from a file by nobody in ${files}`;
    await one.untilWritten("order.service", main);
    const before = await one.untilWritten("order.service", `post ${mainPid}`);
    expect(before[0]).toBe("pre overridden");
    expect(before.slice(1).sort()).toEqual([main, `post ${mainPid}`]);
    await one.member.api.put("order.service", { desired: "loaded" });
    await one.untilSub("order.service", "inactive (dead)");
    expect((await one.written("order.service")).slice(3)).toEqual([
      `stop ${mainPid}`,
      "after success killed TERM",
    ]);
  });

  it("Restart=on-failure goes on until the start limit, and not after success", async () => {
    await one.launch(
      "crash.service",
      `[Unit]
StartLimitBurst=3
StartLimitIntervalSec=1h
[Service]
Restart=on-failure
RestartSec=20ms
ExecStart=/bin/sh -c 'echo attempt; exit 3'
`,
    );
    await one.launch(
      "once.service",
      "[Service]\nRestart=on-failure\nRestartSec=20ms\nExecStart=/bin/echo once\n",
    );
    const { exitCode } = await one.untilSub("crash.service", "failed (failed)");
    expect(exitCode).toBe(3);
    expect(await one.written("crash.service")).toEqual(["attempt", "attempt", "attempt"]);
    await one.untilSub("once.service", "inactive (dead)");
    expect(await one.written("once.service")).toEqual(["once"]);
  });

  it("a process that ignores TERM is killed after TimeoutStopSec, and holds up nobody", async () => {
    await one.launch(
      "stubborn.service",
      `[Service]
TimeoutStopSec=5s
ExecStart=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
`,
    );
    await one.untilWritten("stubborn.service", "ready");
    const { mainPid } = await one.untilSub("stubborn.service", "active (running)");
    await one.member.api.put("stubborn.service", { desired: "loaded" });
    await one.untilSub("stubborn.service", "deactivating (stop-sigterm)");
    await one.launch("meanwhile.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    await one.untilSub("meanwhile.service", "active (running)");
    expect(isAlive(mainPid)).toBe(true);
    const { result } = await one.untilSub("stubborn.service", "failed (failed)");
    expect(result).toBe("timeout");
    expect(isAlive(mainPid)).toBe(false);
  });

  it("destroying a unit that takes long to stop holds up nobody either", async () => {
    await one.launch(
      "leaving.service",
      `[Service]
TimeoutStopSec=5s
ExecStart=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
`,
    );
    await one.untilWritten("leaving.service", "ready");
    const { mainPid } = await one.untilSub("leaving.service", "active (running)");
    await one.member.api.destroy("leaving.service");
    await one.launch("arriving.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    await one.untilSub("arriving.service", "active (running)");
    expect(isAlive(mainPid)).toBe(true);
    await waitFor("its end", () => !isAlive(mainPid));
  });

  it("a unit that is wanted again while it stops runs again once it has stopped", async () => {
    await one.launch(
      "again.service",
      `[Service]
TimeoutStopSec=1s
ExecStart=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
`,
    );
    await one.untilWritten("again.service", "ready");
    const { mainPid } = await one.untilSub("again.service", "active (running)");
    await one.member.api.put("again.service", { desired: "loaded" });
    await one.untilSub("again.service", "deactivating (stop-sigterm)");
    await one.member.api.put("again.service", { desired: "launched" });
    const after = await one.until(
      "again.service",
      "running anew",
      ({ sub, mainPid: pid }) => sub === "running" && pid !== mainPid,
    );
    expect(isAlive(mainPid)).toBe(false);
    expect(isAlive(after.mainPid)).toBe(true);
  });

  it("a unit whose content is replaced stops on the old one and runs on the new one", async () => {
    const content = (word: string): string =>
      `[Service]\nExecStart=/bin/sh -c 'echo ${word}; exec sleep 1000'\nExecStop=/bin/echo stops ${word}\n`;
    await one.launch("replaced.service", content("old"));
    await one.untilWritten("replaced.service", "old");
    await one.member.api.put("replaced.service", {
      content: content("new"),
      desired: "launched",
      replace: true,
    });
    expect(await one.untilWritten("replaced.service", "new")).toEqual(["old", "stops old", "new"]);
    await one.untilSub("replaced.service", "active (running)");
  });

  it("what detached twice is stopped with its unit", async () => {
    await one.launch(
      "detach.service",
      `[Service]
Environment=MARK=detached-${process.pid}
ExecStart=/bin/sh -c 'setsid sh -c "setsid sleep 1000 & exit 0" & wait; echo detached; exec sleep 1000'
`,
    );
    await one.untilWritten("detach.service", "detached");
    const pids = processesWith(`MARK=detached-${process.pid}`);
    expect(pids).toHaveLength(2);
    await one.destroyed("detach.service");
    expect(pids.filter(isAlive)).toEqual([]);
  });
});
