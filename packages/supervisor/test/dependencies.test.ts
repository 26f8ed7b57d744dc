import { describe, expect, it } from "vitest";
import { SupervisorError } from "../src/index.js";
import { type Harness, startHarness } from "./support/harness.js";

const SLEEP = "[Service]\nExecStart=/bin/sleep 60\n";
const ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'sleep 0.05'\n";
const FALSE = "[Service]\nType=oneshot\nExecStart=/bin/false\n";

/** Loads units: name without suffix → [Unit] lines and the rest of the file. */
async function withUnits(units: Record<string, readonly [string, string?]>): Promise<Harness> {
  const harness = await startHarness();
  for (const [name, [unit, rest]] of Object.entries(units)) {
    const full = name.includes(".") ? name : `${name}.service`;
    await harness.supervisor.load(full, `[Unit]\n${unit}\n${rest ?? SLEEP}`);
  }
  return harness;
}

/** The changes as "unit:sub", in order. */
const story = ({ changes }: Harness): string[] =>
  changes.map(({ name, sub }) => `${name.split(".")[0]}:${sub}`);

const active = (harness: Harness): string[] =>
  harness.supervisor
    .list()
    .filter((status) => status.active === "active")
    .map(({ name }) => name.split(".")[0]!);

describe("starting", () => {
  it("brings up what is required and wanted, in order, and stops in reverse", async () => {
    const harness = await withUnits({
      a: ["Requires=b.service\nAfter=b.service\nWants=c.service absent.service\nAfter=c.service"],
      b: ["After=c.service", ONESHOT],
      c: ["", ONESHOT],
    });
    expect(await harness.supervisor.start("a.service")).toBe("done");
    expect(story(harness)).toEqual(["c:start", "c:exited", "b:start", "b:exited", "a:running"]);
    harness.changes.length = 0;
    await harness.supervisor.shutdown();
    expect(story(harness)).toEqual(["a:stop-sigterm", "a:dead", "b:dead", "c:dead"]);
  });

  it("fails for want of what it requires, not of what it wants", async () => {
    const harness = await withUnits({
      a: ["Requires=bad.service\nAfter=bad.service"],
      b: ["Wants=bad.service\nAfter=bad.service"],
      bad: ["", FALSE],
    });
    expect(await harness.supervisor.start("a.service")).toBe("dependency");
    expect(await harness.supervisor.status("a.service")).toMatchObject({ active: "inactive" });
    expect(await harness.notes("a.service")).toContain("Dependency failed: bad.service (failed).");
    expect(await harness.supervisor.start("b.service")).toBe("done");
  });

  it("tells which required unit is not loaded", async () => {
    const harness = await withUnits({ a: ["Requires=absent.service"] });
    expect(await harness.supervisor.start("a.service")).toBe("missing");
    expect((await harness.notes("a.service")).join()).toContain(
      "a.service requires absent.service, which is not loaded on this machine",
    );
  });

  it("takes the well-known targets and the units of `activeUnits` for granted", async () => {
    const harness = await startHarness({ activeUnits: ["docker.service"] });
    await harness.supervisor.load(
      "a.service",
      `[Unit]\nRequires=network-online.target docker.service\nAfter=network-online.target docker.service\n${SLEEP}`,
    );
    expect(await harness.supervisor.start("a.service")).toBe("done");
  });

  it("Requisite= asks for what is there already", async () => {
    const harness = await withUnits({ a: ["Requisite=b.service\nAfter=b.service"], b: [""] });
    expect(await harness.supervisor.start("a.service")).toBe("dependency");
    await harness.supervisor.start("b.service");
    expect(await harness.supervisor.start("a.service")).toBe("done");
  });

  it("Conflicts= stops the other first, from either side", async () => {
    const harness = await withUnits({ a: ["Conflicts=b.service\nAfter=b.service"], b: [""] });
    await harness.supervisor.start("b.service");
    await harness.supervisor.start("a.service");
    expect(story(harness)).toEqual(["b:running", "b:stop-sigterm", "b:dead", "a:running"]);
    await harness.supervisor.start("b.service");
    await harness.reached("a.service", ({ sub }) => sub === "dead");
    expect(active(harness)).toEqual(["b"]);
  });

  it("refuses an ordering cycle and shows it", async () => {
    const harness = await withUnits({
      a: ["Requires=b.service\nAfter=b.service"],
      b: ["After=a.service"],
    });
    const refused = harness.supervisor.start("a.service");
    await expect(refused).rejects.toThrow("a.service → b.service → a.service");
    await expect(refused).rejects.toSatisfy(
      (error) => SupervisorError.is(error) && error.code === "cycle",
    );
  });

  it("a target groups units", async () => {
    const harness = await withUnits({
      "app.target": ["Wants=a.service b.service", " "],
      a: ["PartOf=app.target", ONESHOT],
      b: ["PartOf=app.target"],
    });
    expect(await harness.supervisor.start("app.target")).toBe("done");
    expect(story(harness).at(-1)).toBe("app:active");
    expect(active(harness).sort()).toEqual(["a", "app", "b"]);
    await harness.supervisor.stop("app.target");
    await harness.reached("b.service", ({ sub }) => sub === "dead");
    expect(active(harness)).toEqual([]);
  });
});

describe("while they run", () => {
  it("an explicit stop takes those along that require it, a crash does not", async () => {
    const harness = await withUnits({ a: ["Requires=b.service\nAfter=b.service"], b: [""] });
    await harness.supervisor.start("a.service");
    process.kill((await harness.supervisor.status("b.service"))!.mainPid, "SIGKILL");
    await harness.reached("b.service", ({ sub }) => sub === "failed");
    expect(active(harness)).toEqual(["a"]);
    await harness.supervisor.start("b.service");
    harness.changes.length = 0;
    await harness.supervisor.stop("b.service");
    expect(story(harness)).toEqual(["a:stop-sigterm", "a:dead", "b:stop-sigterm", "b:dead"]);
  });

  it("BindsTo= also follows a crash", async () => {
    const harness = await withUnits({ a: ["BindsTo=b.service\nAfter=b.service"], b: [""] });
    await harness.supervisor.start("a.service");
    process.kill((await harness.supervisor.status("b.service"))!.mainPid, "SIGKILL");
    await harness.reached("a.service", ({ sub }) => sub === "dead");
    expect(active(harness)).toEqual([]);
  });

  it("restarting restarts those that require it or are part of it", async () => {
    const harness = await withUnits({
      a: ["Requires=c.service\nAfter=c.service"],
      b: ["PartOf=c.service\nAfter=c.service"],
      c: [""],
      d: ["PartOf=c.service"],
    });
    for (const unit of ["a", "b", "c"]) await harness.supervisor.start(`${unit}.service`);
    harness.changes.length = 0;
    expect(await harness.supervisor.restart("c.service")).toBe("done");
    await harness.reached("a.service", ({ sub }) => sub === "running");
    await harness.reached("b.service", ({ sub }) => sub === "running");
    const told = story(harness);
    expect(told.indexOf("c:stop-sigterm")).toBeGreaterThan(told.indexOf("a:dead"));
    expect(told.indexOf("c:stop-sigterm")).toBeGreaterThan(told.indexOf("b:dead"));
    expect(told.indexOf("a:running")).toBeGreaterThan(told.indexOf("c:running"));
    expect(active(harness)).toEqual(["a", "b", "c"]);
  });

  it("OnFailure= and OnSuccess= start others", async () => {
    const harness = await withUnits({
      bad: ["OnFailure=help.service", FALSE],
      good: ["OnSuccess=next.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"],
      help: [""],
      next: [""],
    });
    await harness.supervisor.start("bad.service");
    await harness.reached("help.service", ({ sub }) => sub === "running");
    await harness.supervisor.start("good.service");
    await harness.reached("next.service", ({ sub }) => sub === "running");
    expect(active(harness)).toEqual(["help", "next"]);
  });

  it("Upholds= starts again whatever ends", async () => {
    const harness = await withUnits({ a: ["Upholds=b.service"], b: [""] });
    await harness.supervisor.start("a.service");
    await harness.reached("b.service", ({ sub }) => sub === "running");
    harness.changes.length = 0;
    process.kill((await harness.supervisor.status("b.service"))!.mainPid, "SIGTERM");
    await harness.reached("b.service", ({ sub }) => sub === "running");
    await harness.supervisor.stop("a.service");
    harness.changes.length = 0;
    await harness.supervisor.stop("b.service");
    expect(story(harness)).toEqual(["b:stop-sigterm", "b:dead"]);
  });
});

describe("jobs", () => {
  it("of the same kind are one, a stop cancels a start", async () => {
    const harness = await withUnits({
      a: ["", "[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n"],
    });
    const starts = [harness.supervisor.start("a.service"), harness.supervisor.start("a.service")];
    await harness.reached("a.service", ({ sub }) => sub === "start");
    expect(await harness.supervisor.stop("a.service")).toBe("done");
    expect(await Promise.all(starts)).toEqual(["canceled", "canceled"]);
  });

  it("a start during a stop waits for its end", async () => {
    const harness = await withUnits({ a: ["", `${SLEEP}ExecStop=/bin/sleep 0.1\n`] });
    await harness.supervisor.start("a.service");
    const stop = harness.supervisor.stop("a.service");
    await harness.reached("a.service", ({ sub }) => sub === "stop");
    expect(await harness.supervisor.start("a.service")).toBe("done");
    expect(await stop).toBe("canceled");
    expect(story(harness)).toEqual([
      "a:running",
      "a:stop",
      "a:stop-sigterm",
      "a:dead",
      "a:running",
    ]);
  });

  it("an abort gives up waiting, not the job", async () => {
    const harness = await withUnits({ a: ["", ONESHOT] });
    const abort = new AbortController();
    const start = harness.supervisor.start("a.service", { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(start).rejects.toThrow("enough");
    await harness.reached("a.service", ({ sub }) => sub === "exited");
  });
});

describe("loading", () => {
  it("tells what is wrong and refuses to start it", async () => {
    const { supervisor } = await startHarness();
    await expect(supervisor.start("absent.service")).rejects.toMatchObject({ code: "not-found" });
    await expect(supervisor.load("../x.service", SLEEP)).rejects.toMatchObject({
      code: "invalid-name",
    });
    const bad = await supervisor.load("bad.service", "[Service]\nType=simple\n");
    expect(bad).toMatchObject({ load: "bad-setting", active: "inactive" });
    expect(bad.diagnostics.length).toBeGreaterThan(0);
    await expect(supervisor.start("bad.service")).rejects.toMatchObject({ code: "bad-setting" });
    await supervisor.load("d.service", "[Service]\nType=dbus\nBusName=x.y\nExecStart=/bin/true\n");
    await expect(supervisor.start("d.service")).rejects.toMatchObject({ code: "unsupported" });
    expect(await supervisor.load("m.service", "")).toMatchObject({ load: "masked" });
    await expect(supervisor.start("m.service")).rejects.toMatchObject({ code: "bad-setting" });
  });

  it("unload stops the unit, forgets it, and keeps its journal", async () => {
    const harness = await withUnits({
      a: ["", "[Service]\nExecStart=/bin/sh -c 'echo hello; exec sleep 60'\n"],
    });
    const { supervisor } = harness;
    await supervisor.start("a.service");
    const { mainPid } = (await supervisor.status("a.service"))!;
    await supervisor.unload("a.service");
    expect(() => process.kill(mainPid, 0)).toThrow();
    expect(await supervisor.status("a.service")).toBeUndefined();
    expect(supervisor.list()).toEqual([]);
    expect(await harness.output("a.service")).toEqual(["hello"]);
    await supervisor.unload("a.service");
  });

  it("expands specifiers", async () => {
    const harness = await startHarness({ specifiers: { H: "host1" } });
    await harness.supervisor.load(
      "web@7.service",
      "[Service]\nType=oneshot\nExecStart=/bin/echo %i on %H\n",
    );
    await harness.supervisor.start("web@7.service");
    expect(await harness.output("web@7.service")).toEqual(["7 on host1"]);
  });
});
