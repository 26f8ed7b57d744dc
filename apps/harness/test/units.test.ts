import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UnitStatusReport } from "@flotilla/node/api";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { REPOSITORY } from "../src/cluster/executables.js";
import { FlotillaCluster, freePorts, type Member, waitFor } from "../src/index.js";
import { cli } from "./run.js";
import { has } from "./support.js";

// One member of a cluster runs real units, all through its API, as issue 2 promises.

const CRUN = "/usr/bin/crun";
const BUSYBOX = "/bin/busybox";
const NOTIFY = "/usr/bin/systemd-notify";
const isRoot = process.getuid?.() === 0;
const containers = isRoot && has(CRUN) && has(BUSYBOX);
const limits = isRoot && existsSync("/sys/fs/cgroup");
if (!containers) console.warn("skipped: needs root and Debian's packages crun and busybox-static");
if (!has(NOTIFY)) console.warn("skipped: needs Debian's package systemd");
if (!limits) console.warn("skipped: limits need root and cgroups");

const directory = mkdtempSync(join(tmpdir(), "flotilla-units-"));
let cluster: FlotillaCluster | undefined;
let member: Member;
let flotilla: ReturnType<typeof cli>;

beforeAll(async () => {
  // The units' own users must get in.
  chmodSync(directory, 0o755);
  cluster = await FlotillaCluster.start({ directory, members: 1 });
  const [only] = cluster.members;
  if (only === undefined) throw new Error("a cluster of one has a member");
  member = only;
  flotilla = cli([member.api.url]);
});

afterAll(async () => {
  await cluster?.stopAll();
  rmSync(directory, { recursive: true, force: true });
});

/** Asks for a unit to run; it is destroyed when the test is over. */
async function launch(name: string, content: string): Promise<void> {
  onTestFinished(() => destroyed(name));
  await member.api.put(name, { content, desired: "launched" });
}

async function destroyed(name: string): Promise<void> {
  await member.api.destroy(name).catch(() => undefined);
  await waitFor(`${name} to be gone`, async () => {
    const states = await member.api.states();
    return states.every((state) => state.name !== name);
  });
}

function until(
  name: string,
  what: string,
  reached: (report: UnitStatusReport) => boolean,
): Promise<UnitStatusReport> {
  let last: UnitStatusReport | undefined;
  return waitFor(`${name} to be ${what}`, async () => {
    [last] = await member.api.status(name);
    return last !== undefined && reached(last) && last;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`);
  });
}

const untilSub = (name: string, state: string): Promise<UnitStatusReport> =>
  until(name, state, ({ active, sub }) => `${active} (${sub})` === state);

/** What a unit's processes wrote, line by line. */
async function written(name: string): Promise<string[]> {
  const lines = await member.api.journal(name, 10_000);
  return lines.filter(({ source }) => source !== "supervisor").map(({ message }) => message);
}

function untilWritten(name: string, line: string | RegExp): Promise<string[]> {
  return waitFor(`${name} to write ${line}`, async () => {
    const lines = await written(name);
    const found = lines.some((each) =>
      typeof line === "string" ? each === line : line.test(each),
    );
    return found && lines;
  });
}

/** Neither gone nor a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Processes of the machine that have this word in their environment. */
function processesWith(mark: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark) && isAlive(pid);
      } catch {
        return false;
      }
    });
}

const gate = (name: string): string => join(directory, `${name}.gate`);
const waitForGate = (name: string): string => `until [ -e ${gate(name)} ]; do sleep 0.05; done`;
const open = (name: string): void => writeFileSync(gate(name), "");

describe("services", () => {
  it.skipIf(!has(NOTIFY))("a notify service is up when it says so, with its status", async () => {
    await launch(
      "notify.service",
      `[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c '${waitForGate("notify")}; systemd-notify --ready --status="open for business"; exec sleep 1000'
`,
    );
    await untilSub("notify.service", "activating (start)");
    open("notify");
    const { statusText, mainPid } = await untilSub("notify.service", "active (running)");
    expect(statusText).toBe("open for business");
    expect(isAlive(mainPid)).toBe(true);
  });

  it("a notify service's own main process is heard; one that never tells fails in time", async () => {
    const send =
      'use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}); $s->send("READY=1\\\\nSTATUS=perl"); sleep 1000';
    await launch(
      "perl.service",
      `[Service]\nType=notify\nExecStart=/usr/bin/perl -e '${send.replaceAll("$", "$$$$")}'\n`,
    );
    await launch(
      "mute.service",
      "[Service]\nType=notify\nTimeoutStartSec=500ms\nExecStart=/bin/sleep 1000\n",
    );
    expect(await untilSub("perl.service", "active (running)")).toMatchObject({
      statusText: "perl",
    });
    const mute = await untilSub("mute.service", "failed (failed)");
    expect(mute).toMatchObject({ result: "timeout", mainPid: 0 });
  });

  it("a oneshot with RemainAfterExit stays active until it is stopped", async () => {
    await launch(
      "oneshot.service",
      `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/echo one
ExecStart=/bin/echo two
ExecStop=/bin/echo three
`,
    );
    const { mainPid } = await untilSub("oneshot.service", "active (exited)");
    expect(mainPid).toBe(0);
    expect(await untilWritten("oneshot.service", "two")).toEqual(["one", "two"]);
    await member.api.put("oneshot.service", { desired: "loaded" });
    await untilSub("oneshot.service", "inactive (dead)");
    expect(await untilWritten("oneshot.service", "three")).toEqual(["one", "two", "three"]);
  });

  it.skipIf(!isRoot)("commands run in order, with environment, directory and user", async () => {
    const files = join(directory, "settings");
    mkdirSync(files);
    writeFileSync(join(files, "env"), '# comment\nC="from a file"\nA=overridden\n');
    await launch(
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
    const { mainPid } = await untilSub("order.service", "active (running)");
    const main = `main overridden/two words/from a file by nobody in ${files}`;
    await untilWritten("order.service", main);
    const before = await untilWritten("order.service", `post ${mainPid}`);
    expect(before[0]).toBe("pre overridden");
    expect(before.slice(1).sort()).toEqual([main, `post ${mainPid}`]);
    await member.api.put("order.service", { desired: "loaded" });
    await untilSub("order.service", "inactive (dead)");
    expect((await written("order.service")).slice(3)).toEqual([
      `stop ${mainPid}`,
      "after success killed TERM",
    ]);
  });

  it("Restart=on-failure goes on until the start limit, and not after success", async () => {
    await launch(
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
    await launch(
      "once.service",
      "[Service]\nRestart=on-failure\nRestartSec=20ms\nExecStart=/bin/echo once\n",
    );
    const { exitCode } = await untilSub("crash.service", "failed (failed)");
    expect(exitCode).toBe(3);
    expect(await written("crash.service")).toEqual(["attempt", "attempt", "attempt"]);
    await untilSub("once.service", "inactive (dead)");
    expect(await written("once.service")).toEqual(["once"]);
  });

  it("a process that ignores TERM is killed after TimeoutStopSec, and holds up nobody", async () => {
    await launch(
      "stubborn.service",
      `[Service]
TimeoutStopSec=5s
ExecStart=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
`,
    );
    await untilWritten("stubborn.service", "ready");
    const { mainPid } = await untilSub("stubborn.service", "active (running)");
    await member.api.put("stubborn.service", { desired: "loaded" });
    await untilSub("stubborn.service", "deactivating (stop-sigterm)");
    await launch("meanwhile.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    await untilSub("meanwhile.service", "active (running)");
    expect(isAlive(mainPid)).toBe(true);
    const { result } = await untilSub("stubborn.service", "failed (failed)");
    expect(result).toBe("timeout");
    expect(isAlive(mainPid)).toBe(false);
  });

  it("destroying a unit that takes long to stop holds up nobody either", async () => {
    await launch(
      "leaving.service",
      `[Service]
TimeoutStopSec=5s
ExecStart=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
`,
    );
    await untilWritten("leaving.service", "ready");
    const { mainPid } = await untilSub("leaving.service", "active (running)");
    await member.api.destroy("leaving.service");
    await launch("arriving.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    await untilSub("arriving.service", "active (running)");
    expect(isAlive(mainPid)).toBe(true);
    await waitFor("its end", () => !isAlive(mainPid));
  });

  it("a unit that is wanted again while it stops runs again once it has stopped", async () => {
    await launch(
      "again.service",
      `[Service]
TimeoutStopSec=1s
ExecStart=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
`,
    );
    await untilWritten("again.service", "ready");
    const { mainPid } = await untilSub("again.service", "active (running)");
    await member.api.put("again.service", { desired: "loaded" });
    await untilSub("again.service", "deactivating (stop-sigterm)");
    await member.api.put("again.service", { desired: "launched" });
    const after = await until(
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
    await launch("replaced.service", content("old"));
    await untilWritten("replaced.service", "old");
    await member.api.put("replaced.service", {
      content: content("new"),
      desired: "launched",
      replace: true,
    });
    expect(await untilWritten("replaced.service", "new")).toEqual(["old", "stops old", "new"]);
    await untilSub("replaced.service", "active (running)");
  });

  it("what detached twice is stopped with its unit", async () => {
    await launch(
      "detach.service",
      `[Service]
Environment=MARK=detached-${process.pid}
ExecStart=/bin/sh -c 'setsid sh -c "setsid sleep 1000 & exit 0" & wait; echo detached; exec sleep 1000'
`,
    );
    await untilWritten("detach.service", "detached");
    const pids = processesWith(`MARK=detached-${process.pid}`);
    expect(pids).toHaveLength(2);
    await destroyed("detach.service");
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe("dependencies on one machine", () => {
  const first = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '${waitForGate("first")}'
`;

  it("the dependent comes first, waits for its requirement, and stops with it", async () => {
    await launch(
      "second.service",
      `[Unit]
Requires=first.service
After=first.service
[Service]
ExecStart=/bin/sleep 1000
[X-Fleet]
MachineOf=first.service
`,
    );
    await launch("first.service", first);
    await untilSub("first.service", "activating (start)");
    await until("second.service", "loaded", ({ active }) => active === "inactive");
    open("first");
    const second = await untilSub("second.service", "active (running)");
    const [firstReport] = await member.api.status("first.service");
    expect(firstReport?.active).toBe("active");
    expect(second.changedAt).toBeGreaterThanOrEqual(firstReport?.changedAt ?? Infinity);
    await member.api.put("first.service", { desired: "loaded" });
    await untilSub("second.service", "inactive (dead)");
  });

  it("a unit that came before what it requires starts once that is there", async () => {
    await launch(
      "early.service",
      `[Unit]
Requires=late.service
After=late.service
[Service]
ExecStart=/bin/sleep 1000
`,
    );
    await until("early.service", "refused", ({ journal }) =>
      journal.some(({ message }) => message.includes("late.service")),
    );
    await launch(
      "late.service",
      "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=early.service\n",
    );
    await untilSub("late.service", "active (exited)");
    await untilSub("early.service", "active (running)");
  });
});

describe.skipIf(!limits)("limits", () => {
  it("MemoryMax: the kernel kills, and the status says so", async () => {
    await launch(
      "memory.service",
      `[Service]
MemoryMax=32M
ExecStart=/usr/bin/perl -e 'my $$x = "x" x (256 << 20); sleep 1000'
`,
    );
    const report = await untilSub("memory.service", "failed (failed)");
    expect(report).toMatchObject({ result: "oom-kill", exitSignal: "SIGKILL" });
  });

  it("TasksMax: the fifth fork fails", async () => {
    const script =
      '$| = 1; my $n = 0; for (1..20) { my $p = fork; last unless defined $p; sleep 1000 unless $p; $n++ } print "forked $n\\\\n"; sleep 1000';
    await launch(
      "tasks.service",
      `[Service]\nTasksMax=5\nExecStart=/usr/bin/perl -e '${script.replaceAll("$", "$$$$")}'\n`,
    );
    await untilWritten("tasks.service", "forked 4");
    const [report] = await member.api.status("tasks.service");
    expect(report?.tasks).toBe(5);
  });

  it("CPUQuota: a busy loop gets about its share", async () => {
    await launch(
      "busy.service",
      "[Service]\nCPUQuota=20%\nExecStart=/usr/bin/perl -e '1 while 1'\n",
    );
    const cpuAt = async (): Promise<{ cpu: number; at: number }> => {
      const { cpuUsec = 0 } = await untilSub("busy.service", "active (running)");
      return { cpu: cpuUsec, at: performance.now() };
    };
    const before = await cpuAt();
    // Long enough for twenty periods of the quota.
    const after = await waitFor("two seconds of it", async () => {
      const now = await cpuAt();
      return now.at - before.at > 2_000 && now;
    });
    const share = (after.cpu - before.cpu) / 1_000 / (after.at - before.at);
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.3);
  });
});

describe("the journal", () => {
  it("is what was written, on either stream", async () => {
    const out = ["plain", "", "  spaces \t kept  ", "grüße ☃ 𝄞", "x".repeat(5_000), "no line feed"];
    const err = ["an error", '{"json":"\\\\"}'];
    writeFileSync(join(directory, "out"), out.join("\n"));
    writeFileSync(join(directory, "err"), `${err.join("\n")}\n`);
    await launch(
      "writer.service",
      `[Service]
Type=oneshot
ExecStart=/bin/cat ${directory}/out
ExecStart=/bin/sh -c 'cat ${directory}/err >&2'
`,
    );
    await untilSub("writer.service", "inactive (dead)");
    const { stdout, code } = await flotilla("journal", "-l", "all", "-o", "json", "writer");
    expect(code).toBe(0);
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { source: string; message: string; identifier: string });
    const of = (source: string) => entries.filter((entry) => entry.source === source);
    expect(of("stdout").map(({ message }) => message)).toEqual(out);
    expect(of("stderr").map(({ message }) => message)).toEqual(err);
    expect(of("stdout")[0]?.identifier).toBe("cat");
    const cat = await flotilla("journal", "-l", "all", "-o", "cat", "writer");
    const text = cat.stdout.split("\n");
    expect(text).toEqual(expect.arrayContaining([...out, ...err]));
  });

  it("loses none of 20,000 lines", async () => {
    await launch(
      "chatty.service",
      "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'seq 20000; echo end >&2'\n",
    );
    await untilSub("chatty.service", "inactive (dead)");
    const { stdout } = await flotilla("journal", "-l", "all", "-o", "cat", "chatty");
    const numbers = stdout.split("\n").filter((line) => /^\d+$/.test(line));
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i + 1)));
  });
});

describe("a unit that fails at once", () => {
  it("is told of by start, status and list-units", async () => {
    const path = join(directory, "broken.service");
    writeFileSync(path, "[Service]\nExecStart=/bin/sh -c 'echo cannot >&2; exit 7'\n");
    onTestFinished(() => destroyed("broken.service"));
    const start = await flotilla("start", path);
    expect(start.code).toBe(1);
    expect(start.stdout).toBe("");
    expect(start.stderr).toMatch(/^flotilla: broken\.service failed on [0-9a-f]{8}\.\.\./);
    expect(start.stderr).toMatch(/exit-code.*7/);
    expect(start.stderr).toMatch(/mend: .*flotilla status broken\.service/);
    const status = await flotilla("status", "broken");
    expect(status.stdout).toMatch(/^× broken\.service/);
    expect(status.stdout).toMatch(/Active: failed \(failed\) \(Result: exit-code\)/);
    expect(status.stdout).toMatch(/Process: exited, status 7/);
    expect(status.stdout).toMatch(/: cannot$/m);
    const restart = await flotilla("restart", "broken");
    expect(restart).toMatchObject({ code: 1, stdout: "" });
    expect(restart.stderr).toMatch(/^flotilla: broken\.service failed on/);
    const list = await flotilla("list-units");
    expect(list.stdout).toMatch(/^broken\.service\t+\S+\t+failed\t+failed$/m);
  });

  it("and again and again is warned of", async () => {
    const path = join(directory, "loop.service");
    writeFileSync(
      path,
      "[Service]\nRestart=always\nRestartSec=10min\nExecStart=/bin/sh -c 'exit 1'\n",
    );
    onTestFinished(() => destroyed("loop.service"));
    const start = await flotilla("start", path);
    expect(start).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Unit loop\.service launched/),
    });
    expect(start.stderr).toMatch(/^WARNING: unit loop\.service ends and is started again/);
    expect((await flotilla("list-units")).stdout).toMatch(
      /^loop\.service\t+\S+\t+activating\t+auto-restart$/m,
    );
  });

  it("whose program is not there says which", async () => {
    const path = join(directory, "absent.service");
    writeFileSync(path, "[Service]\nType=exec\nExecStart=/no/such/program\n");
    onTestFinished(() => destroyed("absent.service"));
    const start = await flotilla("start", path);
    expect(start.code).toBe(1);
    expect(start.stderr).toMatch(/absent\.service failed/);
    expect(start.stderr).toContain("/no/such/program");
  });
});

/** A root file system of busybox alone. */
function busyboxRoot(): string {
  const root = mkdtempSync(join(directory, "root-"));
  chmodSync(root, 0o755);
  for (const folder of ["bin", "etc"]) mkdirSync(join(root, folder));
  copyFileSync(BUSYBOX, join(root, "bin/busybox"));
  for (const applet of ["sh", "cat", "sleep", "ls", "hostname", "id", "dd"]) {
    symlinkSync("busybox", join(root, "bin", applet));
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nweb:x:1234:1234::/:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nweb:x:1234:\n");
  return root;
}

interface Container {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
}

/** Containers of the member, as crun itself tells. */
function listContainers(): Container[] {
  const root = join(member.directory, "runtime/oci/state");
  if (!existsSync(root)) return [];
  const text = execFileSync(CRUN, ["--root", root, "list", "-f", "json"], { encoding: "utf8" });
  return (JSON.parse(text) as Container[] | null) ?? [];
}

describe.skipIf(!containers)("a unit with a root file system", () => {
  it("runs in a container: its own root, host name, user; journal, limits, stop", async () => {
    const root = busyboxRoot();
    await launch(
      "boxed.service",
      `[Service]
RootDirectory=${root}
User=web
MemoryMax=64M
TasksMax=10
Environment=GREETING=hello
ExecStart=/bin/sh -c 'trap "echo bye; exit 0" TERM; ls /; hostname; id; echo $GREETING >&2; echo pid $$$$; while :; do sleep 0.1; done'
`,
    );
    const lines = await untilWritten("boxed.service", "pid 1");
    expect(lines.filter((line) => !/^(dev|proc|sys)$/.test(line))).toEqual(
      expect.arrayContaining(["bin", "etc", "boxed", "hello", "pid 1"]),
    );
    expect(lines.join("\n")).toMatch(/uid=1234\(web\) gid=1234\(web\)/);
    expect(lines).not.toContain("usr");
    const report = await untilSub("boxed.service", "active (running)");
    const [container, ...others] = listContainers().filter(({ status }) => status === "running");
    expect(others).toEqual([]);
    expect(container?.pid).toBe(report.mainPid);
    const cgroups = readFileSync(`/proc/${report.mainPid}/cgroup`, "utf8");
    expect(cgroups).toMatch(/boxed/);
    await member.api.put("boxed.service", { desired: "loaded" });
    const stopped = await untilSub("boxed.service", "inactive (dead)");
    expect(stopped.result).toBe("success");
    await untilWritten("boxed.service", "bye");
    expect(isAlive(report.mainPid)).toBe(false);
    expect(listContainers()).toEqual([]);
  });

  it("stops at once although its only process does not handle TERM", async () => {
    await launch(
      "deaf.service",
      `[Service]\nRootDirectory=${busyboxRoot()}\nExecStart=/bin/sleep 1000\nExecStopPost=/bin/sh -c 'echo $EXIT_CODE $EXIT_STATUS'\n`,
    );
    const { mainPid } = await untilSub("deaf.service", "active (running)");
    await member.api.put("deaf.service", { desired: "loaded" });
    expect(await untilSub("deaf.service", "inactive (dead)")).toMatchObject({ result: "success" });
    expect(isAlive(mainPid)).toBe(false);
    expect(await written("deaf.service")).toEqual(["killed TERM"]);
  });

  it.skipIf(!limits)("is limited: memory and tasks", async () => {
    const root = busyboxRoot();
    await launch(
      "glutton.service",
      `[Service]
RootDirectory=${root}
MemoryMax=32M
ExecStart=/bin/dd if=/dev/zero of=/dev/null bs=200M count=1
`,
    );
    await launch(
      "forker.service",
      `[Service]
RootDirectory=${root}
TasksMax=6
ExecStart=/bin/sh -c 'echo begin; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; wait'
`,
    );
    const glutton = await untilSub("glutton.service", "failed (failed)");
    expect(glutton).toMatchObject({ result: "oom-kill", exitSignal: "SIGKILL" });
    await untilWritten("forker.service", /can't fork/);
  });

  it("examples/container: what its README tells works as written", async () => {
    const example = join(REPOSITORY, "examples/container");
    const root = join(directory, "box");
    const [port] = await freePorts(1);
    execFileSync("sh", [join(example, "make-root.sh"), root]);
    const unit = readFileSync(join(example, "box.service"), "utf8");
    await launch(
      "box.service",
      unit.replaceAll("/srv/box", root).replaceAll("18090", String(port)),
    );
    const page = await waitFor("the page", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      return response.ok && response.text();
    });
    expect(page).toBe("hello from a container\n");
    const report = await untilSub("box.service", "active (running)");
    expect(report.tasks).toBe(1);
    await member.api.put("box.service", { desired: "loaded" });
    await untilSub("box.service", "inactive (dead)");
  });

  it("whose root is not there fails, naming it", async () => {
    await launch(
      "rootless.service",
      `[Service]\nRootDirectory=${directory}/nowhere\nExecStart=/bin/true\n`,
    );
    const report = await untilSub("rootless.service", "failed (failed)");
    expect(report.journal.map(({ message }) => message).join("\n")).toContain(
      `${directory}/nowhere`,
    );
  });
});

// These end the member, and start it again: they come last.
describe("the end of flotillad", () => {
  const MARK = `MARK=end-${process.pid}`;
  const unit = (more = ""): string => `[Service]
Environment=${MARK}
${more}ExecStart=/bin/sh -c 'trap "" HUP; setsid sh -c "setsid sleep 1000 & exit 0" & wait; echo started; exec sleep 1000'
`;

  it("SIGKILL leaves no process and no container; a restart runs each unit once", async () => {
    await launch("plain.service", unit());
    await untilWritten("plain.service", "started");
    if (containers) {
      const root = busyboxRoot();
      await launch(
        "contained.service",
        `[Service]
Environment=${MARK}
RootDirectory=${root}
ExecStart=/bin/sh -c 'sleep 1000 & echo started; wait'
`,
      );
      await untilWritten("contained.service", "started");
    }
    const pids = processesWith(MARK);
    expect(pids).toHaveLength(containers ? 4 : 2);
    await member.kill();
    await waitFor("the units' processes to be gone", () => processesWith(MARK).length === 0);
    expect(pids.filter(isAlive)).toEqual([]);
    if (containers) {
      expect(listContainers().filter(({ status }) => status === "running")).toEqual([]);
    }
    const before = (await journalAfterRestart("plain.service")).filter(
      (line) => line === "started",
    );
    expect(before.length).toBeGreaterThanOrEqual(1);
    await waitFor("each unit to run once more", async () => {
      const plain = await written("plain.service");
      return plain.filter((line) => line === "started").length === 2;
    });
    if (!containers) return;
    await waitFor("the container to run again", async () => {
      const lines = await written("contained.service");
      return lines.filter((line) => line === "started").length === 2;
    });
    expect(listContainers()).toMatchObject([{ status: "running" }]);
    expect(processesWith(MARK)).toHaveLength(4);
  });

  async function journalAfterRestart(name: string): Promise<string[]> {
    member.start();
    await member.ready();
    return waitFor("the journal", () => written(name));
  }

  it("SIGTERM drains: ExecStop runs, exit code 0, the journal is whole afterwards", async () => {
    await launch("drained.service", unit("ExecStop=/bin/sh -c 'sleep 0.3; echo stopping'\n"));
    await untilWritten("drained.service", "started");
    const exit = await member.stop();
    expect(exit).toEqual({ code: 0, signal: null });
    expect(processesWith(MARK)).toEqual([]);
    const lines = await journalAfterRestart("drained.service");
    expect(lines.slice(0, 2)).toEqual(["started", "stopping"]);
    await untilSub("drained.service", "active (running)");
  });
});
