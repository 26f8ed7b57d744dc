import { loadUnit, parseUnitFile } from "@flotilla/units";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServiceMachine } from "./machine.js";
import type { ServiceAction, ServiceEvent } from "./protocol.js";
import { StartLimit } from "./start-limit.js";

/** Plays the driver without processes: spawns succeed unless told otherwise, nothing ends by itself. */
class Bench {
  readonly machine: ServiceMachine;
  readonly actions: ServiceAction[] = [];
  readonly states: string[] = [];
  readonly alive = new Set<number>();
  now = 0;
  spawnFails = false;
  #nextPid = 100;

  constructor(section: string, limit: StartLimit = new StartLimit(0, 0)) {
    const file = parseUnitFile(`[Service]\n${section}\n`, { file: "a.service" });
    const { unit } = loadUnit("a.service", file, { specifiers: {} });
    if (!unit?.service) throw new Error("a usable service");
    this.machine = new ServiceMachine(unit.service, limit);
  }

  send(event: ServiceEvent): this {
    for (const action of this.machine.handle(event, this.now)) {
      this.actions.push(action);
      if (action.type === "changed" && action.stateChanged) this.states.push(action.snapshot.sub);
      if (action.type === "release") this.alive.clear();
      if (action.type === "spawn") this.#answer(action.role);
    }
    return this;
  }

  exit(pid: number, code = 0): this {
    this.alive.delete(pid);
    const exit = { type: "exited", code } as const;
    return this.send({
      type: "exited",
      pid,
      exit,
      populated: this.alive.size > 0,
      oomKilled: false,
    });
  }

  get timer(): number | undefined {
    const set = this.actions.findLast((a) => a.type === "timer" && a.timer === "state");
    return set?.type === "timer" ? set.ms : undefined;
  }

  #answer(role: "main" | "control"): void {
    if (this.spawnFails) {
      this.send({ type: "spawn-failed", role, message: "no" });
      return;
    }
    const pid = this.#nextPid++;
    this.alive.add(pid);
    this.send({ type: "spawned", role, pid });
  }
}

const FULL = [
  "ExecCondition=/c",
  "ExecStartPre=/p",
  "ExecStart=/m",
  "ExecStartPost=/q",
  "ExecReload=/r",
  "ExecStop=/s",
  "ExecStopPost=/t",
  "WatchdogSec=5",
  "RestartSec=1",
].join("\n");

describe("a service that cannot be run", () => {
  it.each(["ExecCondition", "ExecStartPre", "ExecStart"])(
    "fails for want of resources at %s=",
    (key) => {
      const bench = new Bench(`${key}=/x\n${key === "ExecStart" ? "" : "ExecStart=/m"}`);
      bench.spawnFails = true;
      bench.send({ type: "start" });
      expect(bench.states).toEqual(["failed"]);
      expect(bench.machine.snapshot().result).toBe("resources");
    },
  );
});

describe("the start limit", () => {
  it("is the result after clean ends; an earlier failure stays the result, as in systemd", () => {
    for (const [code, result] of [
      [0, "start-limit-hit"],
      [1, "exit-code"],
    ] as const) {
      const bench = new Bench("Restart=always\nExecStart=/m", new StartLimit(1000, 1));
      bench.send({ type: "start" }).exit(100, code).send({ type: "timer", timer: "state" });
      bench.send({ type: "stop" }).send({ type: "start" });
      expect(bench.machine.snapshot()).toMatchObject({ sub: "failed", result });
      expect(bench.actions).toContainEqual({
        type: "log",
        message: "Start request repeated too quickly.",
      });
    }
  });
});

describe("time", () => {
  it("is extended by EXTEND_TIMEOUT_USEC=, never shortened", () => {
    const bench = new Bench("Type=notify\nTimeoutStartSec=10\nExecStart=/m").send({
      type: "start",
    });
    const extend = (usec: number) =>
      bench.send({ type: "notify", message: { EXTEND_TIMEOUT_USEC: `${usec}` }, pid: 100 });
    expect(bench.timer).toBe(10_000);
    bench.now = 8000;
    extend(1_000_000);
    expect(bench.timer).toBe(10_000);
    extend(5_000_000);
    expect(bench.timer).toBe(5000);
  });

  it("a watchdog is set anew by WATCHDOG=1 and WATCHDOG_USEC=, and pulled by WATCHDOG=trigger", () => {
    const bench = new Bench("NotifyAccess=all\nWatchdogSec=5\nExecStart=/m").send({
      type: "start",
    });
    const watchdog = () =>
      bench.actions
        .filter((a) => a.type === "timer" && a.timer === "watchdog")
        .map((a) => a.type === "timer" && a.ms);
    expect(watchdog()).toEqual([5000]);
    bench.send({ type: "notify", message: { WATCHDOG: "1" }, pid: 0 });
    bench.send({ type: "notify", message: { WATCHDOG_USEC: "2000000" }, pid: 0 });
    expect(watchdog()).toEqual([5000, 5000, 2000]);
    bench.send({ type: "notify", message: { WATCHDOG: "trigger" }, pid: 0 });
    expect(bench.machine.snapshot()).toMatchObject({ sub: "stop-watchdog", result: "watchdog" });
    expect(bench.actions.findLast((a) => a.type === "kill")).toMatchObject({
      signals: ["SIGABRT", "SIGCONT"],
    });
  });

  it("a reload that takes too long is given up, the service goes on", () => {
    const bench = new Bench("ExecStart=/m\nExecReload=/r\nTimeoutStartSec=1").send({
      type: "start",
    });
    bench.send({ type: "reload" }).send({ type: "timer", timer: "state" });
    expect(bench.states).toEqual(["running", "reload", "running"]);
    expect(bench.machine.snapshot()).toMatchObject({ reloadResult: "timeout", result: "success" });
  });

  it("goes through every stage when nothing dies", () => {
    const bench = new Bench(FULL).send({ type: "start" });
    for (const pid of [100, 101, 103]) bench.exit(pid);
    expect(bench.machine.snapshot().sub).toBe("running");
    bench.send({ type: "stop" });
    for (let stage = 0; stage < 6; stage += 1) bench.send({ type: "timer", timer: "state" });
    expect(bench.states.slice(4)).toEqual([
      "stop",
      "stop-sigterm",
      "stop-sigkill",
      "stop-post",
      "final-sigterm",
      "final-sigkill",
      "failed",
    ]);
    expect(bench.machine.snapshot().result).toBe("timeout");
  });

  it("SendSIGKILL=no gives up instead of killing", () => {
    const bench = new Bench("ExecStart=/m\nSendSIGKILL=no").send({ type: "start" });
    bench.send({ type: "stop" });
    for (let stage = 0; stage < 2; stage += 1) bench.send({ type: "timer", timer: "state" });
    expect(bench.states).toEqual(["running", "stop-sigterm", "final-sigterm", "failed"]);
  });
});

describe("whatever happens", () => {
  const types = ["simple", "exec", "oneshot", "forking", "notify", "notify-reload"] as const;
  const event = fc.constantFrom<string>(
    "start",
    "stop",
    "reload",
    "exit-oldest",
    "fail-newest",
    "empty",
    "timer",
    "watchdog",
    "executed",
    "ready",
    "stopping",
    "reloading",
    "main-found",
    "reset-failed",
    "spawn-fails",
    "spawn-works",
  );

  function play(bench: Bench, name: string): void {
    const [oldest] = bench.alive;
    const newest = [...bench.alive].at(-1);
    const { mainPid } = bench.machine.snapshot();
    const notify = (message: Record<string, string>) =>
      bench.send({ type: "notify", message, pid: mainPid });
    if (name === "exit-oldest") oldest !== undefined && bench.exit(oldest);
    else if (name === "fail-newest") newest !== undefined && bench.exit(newest, 1);
    else if (name === "empty") bench.alive.size === 0 && bench.send({ type: "empty" });
    else if (name === "timer")
      bench.timer !== undefined && bench.send({ type: "timer", timer: "state" });
    else if (name === "watchdog") bench.send({ type: "timer", timer: "watchdog" });
    else if (name === "executed") bench.send({ type: "executed", pid: mainPid });
    else if (name === "ready") notify({ READY: "1" });
    else if (name === "stopping") notify({ STOPPING: "1" });
    else if (name === "reloading") notify({ RELOADING: "1" });
    else if (name === "main-found") bench.send({ type: "main-found", pid: oldest ?? 0 });
    else if (name === "spawn-fails") bench.spawnFails = true;
    else if (name === "spawn-works") bench.spawnFails = false;
    else bench.send({ type: name as "start" | "stop" | "reload" | "reset-failed" });
  }

  it("a stop brings every service down within its time limits, and down means nothing is left", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.constantFrom("no", "always", "on-failure"),
        fc.array(event, { maxLength: 40 }),
        (type, restart, names) => {
          // Restart=always is refused for oneshot.
          const policy = type === "oneshot" && restart === "always" ? "no" : restart;
          const bench = new Bench(`Type=${type}\nRestart=${policy}\n${FULL}`);
          for (const name of names) {
            play(bench, name);
            const { sub, mainPid, controlPid } = bench.machine.snapshot();
            if (sub === "dead" || sub === "failed" || sub === "auto-restart") {
              expect({ mainPid, controlPid, alive: bench.alive.size }).toEqual({
                mainPid: 0,
                controlPid: 0,
                alive: 0,
              });
            }
          }
          bench.send({ type: "stop" });
          for (let limit = 0; limit < 10 && !bench.machine.idle; limit += 1) {
            expect(bench.timer).toBeDefined();
            bench.send({ type: "timer", timer: "state" });
          }
          expect(["dead", "failed"]).toContain(bench.machine.snapshot().sub);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
