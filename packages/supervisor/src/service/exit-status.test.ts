import { describe, expect, it } from "vitest";
import type { ProcessExit } from "../runtime.js";
import { describeExit, exitResult, exitVariables } from "./exit-status.js";

const NONE = { codes: [], signals: [] };
const killed = (signal: string, coreDumped = false): ProcessExit => ({
  type: "signaled",
  signal,
  coreDumped,
});

describe("exit status", () => {
  it("is clean by systemd's rules", () => {
    expect(exitResult({ type: "exited", code: 0 }, "command", NONE)).toBe("success");
    expect(exitResult({ type: "exited", code: 1 }, "daemon", NONE)).toBe("exit-code");
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"]) {
      expect(exitResult(killed(signal), "daemon", NONE)).toBe("success");
      expect(exitResult(killed(signal), "command", NONE)).toBe("signal");
    }
    expect(exitResult(killed("SIGKILL"), "daemon", NONE)).toBe("signal");
    expect(exitResult(killed("SIGSEGV", true), "daemon", NONE)).toBe("core-dump");
  });

  it("heeds SuccessExitStatus=", () => {
    const set = { codes: [143], signals: ["SIGKILL"] };
    expect(exitResult({ type: "exited", code: 143 }, "daemon", set)).toBe("success");
    expect(exitResult(killed("SIGKILL"), "command", set)).toBe("success");
  });

  it("is told as systemd tells it", () => {
    expect(exitVariables(killed("SIGTERM"))).toEqual({ EXIT_CODE: "killed", EXIT_STATUS: "TERM" });
    expect(exitVariables(killed("SIGABRT", true)).EXIT_CODE).toBe("dumped");
    expect(describeExit({ type: "exited", code: 2 })).toBe("code=exited, status=2");
  });
});
