import { expect, it } from "vitest";
import { StartLimit } from "./start-limit.js";

it("admits a burst in each interval", () => {
  const limit = new StartLimit(1000, 2);
  expect([0, 1, 2, 1000].map((now) => limit.admit(now))).toEqual([true, true, false, false]);
  expect([1001, 1002, 1003].map((now) => limit.admit(now))).toEqual([true, true, false]);
  limit.reset();
  expect(limit.admit(1004)).toBe(true);
});

it("is off when interval or burst is 0", () => {
  for (const limit of [new StartLimit(0, 5), new StartLimit(1000, 0)]) {
    for (let start = 0; start < 20; start += 1) expect(limit.admit(0)).toBe(true);
  }
});
