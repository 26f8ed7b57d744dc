import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startHarness, temporaryDirectory } from "./support/harness.js";

const A = "a.service";

describe("simple", () => {
  it("runs until it is stopped and keeps what it says", async () => {
    const { supervisor, states, output, reached } = await startHarness();
    await supervisor.load(
      A,
      "[Service]\nExecStart=/bin/sh -c 'echo out; echo err >&2; exec sleep 60'\n",
    );
    expect(await supervisor.start(A)).toBe("done");
    const status = await supervisor.status(A);
    expect(status).toMatchObject({ active: "active", sub: "running", load: "loaded", restarts: 0 });
    expect(status?.mainPid).toBeGreaterThan(1);
    expect(await supervisor.stop(A)).toBe("done");
    await reached(A, ({ sub }) => sub === "dead");
    expect(states(A)).toEqual(["running", "stop-sigterm", "dead"]);
    expect((await output(A)).sort()).toEqual(["err", "out"]);
    expect(await supervisor.status(A)).toMatchObject({ result: "success", exitSignal: "SIGTERM" });
  });

  it("tells of limits that the machine cannot enforce", async () => {
    const { supervisor, runtime, notes } = await startHarness();
    runtime.ignoredLimits = ["memoryMaxBytes"];
    await supervisor.load(A, "[Service]\nMemoryMax=1M\nExecStart=/bin/sleep 60\n");
    expect(await supervisor.start(A)).toBe("done");
    expect(await notes(A)).toContain(
      "This machine cannot limit it, running without: memoryMaxBytes.",
    );
  });

  it("fails with the exit code of its process", async () => {
    const { supervisor, states, reached } = await startHarness();
    await supervisor.load(A, "[Service]\nExecStart=/bin/sh -c 'exit 3'\n");
    expect(await supervisor.start(A)).toBe("done");
    const status = await reached(A, ({ sub }) => sub === "failed");
    expect(status).toMatchObject({ result: "exit-code", exitCode: 3, active: "failed" });
    expect(states(A)).toEqual(["running", "failed"]);
  });

  it("is started although its program cannot be executed; exec is not", async () => {
    const { supervisor, reached } = await startHarness();
    await supervisor.load(A, "[Service]\nExecStart=/does/not/exist\n");
    expect(await supervisor.start(A)).toBe("done");
    expect(await reached(A, ({ sub }) => sub === "failed")).toMatchObject({ exitCode: 203 });
    await supervisor.load("e.service", "[Service]\nType=exec\nExecStart=/does/not/exist\n");
    expect(await supervisor.start("e.service")).toBe("failed");
  });
});

describe("oneshot", () => {
  it("runs its commands in turn and is started when the last has ended", async () => {
    const { supervisor, states, output } = await startHarness();
    await supervisor.load(
      A,
      "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/echo one\nExecStart=/bin/echo two\nExecStop=/bin/echo bye\n",
    );
    expect(await supervisor.start(A)).toBe("done");
    expect(states(A)).toEqual(["start", "exited"]);
    expect(await supervisor.stop(A)).toBe("done");
    expect(states(A)).toEqual(["start", "exited", "stop", "dead"]);
    expect(await output(A)).toEqual(["one", "two", "bye"]);
  });

  it("stops at the first command that fails, unless that is prefixed with -", async () => {
    const { supervisor, output } = await startHarness();
    await supervisor.load(
      A,
      "[Service]\nType=oneshot\nExecStart=-/bin/false\nExecStart=/bin/echo on\nExecStart=/bin/false\nExecStart=/bin/echo never\n",
    );
    expect(await supervisor.start(A)).toBe("failed");
    expect(await output(A)).toEqual(["on"]);
  });
});

describe("environment", () => {
  it("is systemd's, then Environment=, then the files", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "env"), "B=file\nC='from file'\n");
    const { supervisor, output } = await startHarness();
    await supervisor.load(
      A,
      `[Service]\nType=oneshot\nEnvironment="A=1 2" B=unit\nEnvironmentFile=${directory}/env\nEnvironmentFile=-/absent\nExecStart=/bin/sh -c 'echo "$$#:$$1:$$2:$$3:$$INVOCATION_ID:$$PATH"' x $A \${C} $B\n`,
    );
    expect(await supervisor.start(A)).toBe("done");
    const [line] = await output(A);
    expect(line).toMatch(/^4:1:2:from file:[0-9a-f]{32}:\/usr\/local\/sbin:/);
  });

  it("lacks a file that must be there: resources", async () => {
    const { supervisor, notes } = await startHarness();
    await supervisor.load(A, "[Service]\nEnvironmentFile=/absent\nExecStart=/bin/true\n");
    expect(await supervisor.start(A)).toBe("failed");
    expect(await supervisor.status(A)).toMatchObject({ result: "resources" });
    expect((await notes(A)).join("\n")).toContain("/absent");
  });

  it("tells ExecStopPost= how the service ended", async () => {
    const { supervisor, output, reached } = await startHarness();
    await supervisor.load(
      A,
      "[Service]\nExecStart=/bin/sh -c 'exit 7'\nExecStopPost=/bin/sh -c 'echo $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS'\n",
    );
    await supervisor.start(A);
    await reached(A, ({ sub }) => sub === "failed");
    expect(await output(A)).toEqual(["exit-code exited 7"]);
  });
});

describe("output", () => {
  it("goes to files", async () => {
    const directory = await temporaryDirectory();
    const { supervisor, output } = await startHarness();
    await supervisor.load(
      A,
      `[Service]\nType=oneshot\nStandardOutput=append:${directory}/log\nStandardError=null\nExecStart=/bin/sh -c 'echo out; echo err >&2'\n`,
    );
    await supervisor.start(A);
    await supervisor.start(A);
    expect(await readFile(join(directory, "log"), "utf8")).toBe("out\nout\n");
    expect(await output(A)).toEqual([]);
  });
});
