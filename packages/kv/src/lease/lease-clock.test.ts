import { expect, it } from "vitest";
import { leaseClock } from "./lease-clock.js";

it("runs with the clock below it, but not through a stall", () => {
  let now = 1_000;
  const clock = leaseClock(() => now);
  expect(clock()).toBe(0);
  now += 100;
  expect(clock()).toBe(100);
  now += 60_000;
  expect(clock()).toBe(600);
  now += 100;
  expect(clock()).toBe(700);
});
