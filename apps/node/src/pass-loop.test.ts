import pino from "pino";
import { expect, it, onTestFinished } from "vitest";
import { PassLoop } from "./pass-loop.js";

const log = pino({ level: "silent" });

function loop(pass: () => Promise<void>): PassLoop {
  const made = new PassLoop({ pass, intervalMs: 1_000_000, log });
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

it("runs one pass at a time, and one more for all that woke it meanwhile", async () => {
  let passes = 0;
  let atOnce = 0;
  let most = 0;
  let release = (): void => {};
  const woken = loop(async () => {
    passes++;
    most = Math.max(most, ++atOnce);
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    atOnce--;
  });
  woken.wake();
  woken.wake();
  woken.wake();
  expect(passes).toBe(1);
  release();
  await expect.poll(() => passes).toBe(2);
  release();
  await woken[Symbol.asyncDispose]();
  woken.wake();
  expect([passes, most]).toEqual([2, 1]);
});

it("goes on after a pass that failed", async () => {
  let passes = 0;
  const woken = loop(async () => {
    passes++;
    if (passes === 1) throw new Error("once");
  });
  woken.wake();
  await new Promise((resolve) => setImmediate(resolve));
  expect(passes).toBe(1);
  woken.wake();
  await expect.poll(() => passes).toBe(2);
});
