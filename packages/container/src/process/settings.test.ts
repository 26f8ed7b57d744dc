import { expect, test } from "vitest";
import { processSettings } from "./settings.js";
import { exitOf, signalName, signalNumber } from "./signals.js";

const SPEC = { path: "true", argv: ["true"], environment: {} };

test("limits by any of their names, infinity, and what is none", () => {
  const limits = {
    NOFILE: { soft: 1, hard: 2 },
    RLIMIT_CORE: { soft: 0, hard: Number.POSITIVE_INFINITY },
    LimitNPROC: { soft: 3, hard: 3 },
  };
  const settings = processSettings({ ...SPEC, limits });
  expect(settings.filter((_, index) => settings[index - 1] === "rlimit")).toEqual([
    "7:1:2",
    "4:0:18446744073709551615",
    "6:3:3",
  ]);
  for (const bad of [{ NOPE: { soft: 1, hard: 1 } }, { CPU: { soft: -1, hard: 1 } }]) {
    expect(() => processSettings({ ...SPEC, limits: bad })).toThrow(/resource limit/);
  }
});

test("NUL bytes and impossible environment names are refused, not cut", () => {
  expect(() => processSettings({ ...SPEC, argv: ["a\0b"] })).toThrow(/NUL/);
  expect(() => processSettings({ ...SPEC, environment: { "A=B": "c" } })).toThrow(/environment/);
});

test("signals by name and number", () => {
  expect(signalNumber("SIGTERM")).toBe(15);
  expect(signalNumber("SIGRTMIN+3")).toBe(37);
  expect(() => signalNumber("SIGNOPE")).toThrow(/not a signal/);
  expect(() => signalNumber("SIGRTMIN+31")).toThrow(/not a signal/);
  expect([6, 9, 34, 37].map(signalName)).toEqual(["SIGABRT", "SIGKILL", "SIGRTMIN", "SIGRTMIN+3"]);
});

test("wait statuses", () => {
  expect(exitOf(0x0300)).toEqual({ type: "exited", code: 3 });
  expect(exitOf(0x8b)).toEqual({ type: "signaled", signal: "SIGSEGV", coreDumped: true });
});
