import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../../src/cluster/executables.js";
import { freePorts, waitFor } from "../../src/index.js";
import { limits } from "./abilities.js";
import { busyboxRoot, containers, listContainers } from "./containers.js";
import { OneMember } from "./one-member.js";
import { isAlive } from "./processes.js";

const one = OneMember.forThisFile();

describe.skipIf(!containers)("a unit with a root file system", () => {
  it("runs in a container: its own root, host name, user; journal, limits, stop", async () => {
    const root = busyboxRoot(one.directory);
    await one.launch(
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
    const lines = await one.untilWritten("boxed.service", "pid 1");
    expect(lines.filter((line) => !/^(dev|proc|sys)$/.test(line))).toEqual(
      expect.arrayContaining(["bin", "etc", "boxed", "hello", "pid 1"]),
    );
    expect(lines.join("\n")).toMatch(/uid=1234\(web\) gid=1234\(web\)/);
    expect(lines).not.toContain("usr");
    const report = await one.untilSub("boxed.service", "active (running)");
    const [container, ...others] = listContainers(one.member.directory).filter(
      ({ status }) => status === "running",
    );
    expect(others).toEqual([]);
    expect(container?.pid).toBe(report.mainPid);
    const cgroups = readFileSync(`/proc/${report.mainPid}/cgroup`, "utf8");
    expect(cgroups).toMatch(/boxed/);
    await one.member.api.put("boxed.service", { desired: "loaded" });
    const stopped = await one.untilSub("boxed.service", "inactive (dead)");
    expect(stopped.result).toBe("success");
    await one.untilWritten("boxed.service", "bye");
    expect(isAlive(report.mainPid)).toBe(false);
    expect(listContainers(one.member.directory)).toEqual([]);
  });

  it("stops at once although its only process does not handle TERM", async () => {
    await one.launch(
      "deaf.service",
      `[Service]\nRootDirectory=${busyboxRoot(one.directory)}\nExecStart=/bin/sleep 1000\nExecStopPost=/bin/sh -c 'echo $EXIT_CODE $EXIT_STATUS'\n`,
    );
    const { mainPid } = await one.untilSub("deaf.service", "active (running)");
    await one.member.api.put("deaf.service", { desired: "loaded" });
    expect(await one.untilSub("deaf.service", "inactive (dead)")).toMatchObject({
      result: "success",
    });
    expect(isAlive(mainPid)).toBe(false);
    expect(await one.written("deaf.service")).toEqual(["killed TERM"]);
  });

  it.skipIf(!limits)("is limited: memory and tasks", async () => {
    const root = busyboxRoot(one.directory);
    await one.launch(
      "glutton.service",
      `[Service]
RootDirectory=${root}
MemoryMax=32M
ExecStart=/bin/dd if=/dev/zero of=/dev/null bs=200M count=1
`,
    );
    await one.launch(
      "forker.service",
      `[Service]
RootDirectory=${root}
TasksMax=6
ExecStart=/bin/sh -c 'echo begin; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; wait'
`,
    );
    const glutton = await one.untilSub("glutton.service", "failed (failed)");
    expect(glutton).toMatchObject({ result: "oom-kill", exitSignal: "SIGKILL" });
    await one.untilWritten("forker.service", /can't fork/);
  });

  it("examples/container: what its README tells works as written", async () => {
    const example = join(REPOSITORY, "examples/container");
    const root = join(one.directory, "box");
    const [port] = await freePorts(1);
    execFileSync("sh", [join(example, "make-root.sh"), root]);
    const unit = readFileSync(join(example, "box.service"), "utf8");
    await one.launch(
      "box.service",
      unit.replaceAll("/srv/box", root).replaceAll("18090", String(port)),
    );
    const page = await waitFor("the page", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      return response.ok && response.text();
    });
    expect(page).toBe("hello from a container\n");
    const report = await one.untilSub("box.service", "active (running)");
    expect(report.tasks).toBe(1);
    await one.member.api.put("box.service", { desired: "loaded" });
    await one.untilSub("box.service", "inactive (dead)");
  });

  it("whose root is not there fails, naming it", async () => {
    await one.launch(
      "rootless.service",
      `[Service]\nRootDirectory=${one.directory}/nowhere\nExecStart=/bin/true\n`,
    );
    const report = await one.untilSub("rootless.service", "failed (failed)");
    expect(report.journal.map(({ message }) => message).join("\n")).toContain(
      `${one.directory}/nowhere`,
    );
  });
});
