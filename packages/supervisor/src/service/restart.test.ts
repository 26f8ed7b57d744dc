import type { ExitStatusSet, RestartPolicy } from "@flotilla/units";
import { describe, expect, it } from "vitest";
import type { ProcessExit } from "../runtime.js";
import type { ServiceResult } from "../types.js";
import { shallRestart } from "./restart.js";

const NONE: ExitStatusSet = { codes: [], signals: [] };
const RESULTS: readonly ServiceResult[] = [
  "success",
  "exec-condition",
  "exit-code",
  "signal",
  "core-dump",
  "timeout",
  "watchdog",
  "oom-kill",
  "protocol",
  "resources",
];

// systemd.service(5), Restart=: a row a policy, the results after which it restarts.
const TABLE: Readonly<Record<RestartPolicy, readonly ServiceResult[]>> = {
  no: [],
  always: RESULTS.filter((result) => result !== "exec-condition"),
  "on-success": ["success"],
  "on-failure": RESULTS.filter((result) => result !== "success" && result !== "exec-condition"),
  "on-abnormal": [
    "signal",
    "core-dump",
    "timeout",
    "watchdog",
    "oom-kill",
    "protocol",
    "resources",
  ],
  "on-abort": ["signal", "core-dump"],
  "on-watchdog": ["watchdog"],
};

const exited = (code: number): ProcessExit => ({ type: "exited", code });

function service(restart: RestartPolicy, prevent = NONE, force = NONE) {
  return { restart, restartPreventExitStatus: prevent, restartForceExitStatus: force };
}

describe("Restart=", () => {
  for (const [policy, restarts] of Object.entries(TABLE) as [RestartPolicy, ServiceResult[]][]) {
    it.each(RESULTS)(`${policy} after %s`, (result) => {
      const end = { result, exit: undefined, stopped: false };
      expect(shallRestart(service(policy), end)).toBe(restarts.includes(result));
      expect(shallRestart(service(policy), { ...end, stopped: true })).toBe(false);
    });
  }

  it("gives way to RestartPreventExitStatus=, which wins over RestartForceExitStatus=", () => {
    const set = { codes: [9], signals: ["SIGUSR1"] };
    const end = { result: "exit-code" as const, exit: exited(9), stopped: false };
    expect(shallRestart(service("always", set), end)).toBe(false);
    expect(shallRestart(service("no", NONE, set), end)).toBe(true);
    expect(shallRestart(service("always", set, set), end)).toBe(false);
    expect(shallRestart(service("no", NONE, set), { ...end, stopped: true })).toBe(false);
    expect(shallRestart(service("no", NONE, set), { ...end, exit: exited(8) })).toBe(false);
    const killed: ProcessExit = { type: "signaled", signal: "SIGUSR1", coreDumped: false };
    expect(shallRestart(service("no", NONE, set), { ...end, exit: killed })).toBe(true);
  });
});
