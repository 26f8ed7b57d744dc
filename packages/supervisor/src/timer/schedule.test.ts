import { parseCalendar } from "@flotilla/units";
import { expect, it } from "vitest";
import { nextTrigger, type TimerPast, type TimerValue } from "./schedule.js";

const NOW = Date.UTC(2026, 0, 1, 12);
const past = (known: Partial<TimerPast> = {}): TimerPast => ({
  now: NOW,
  bootedAt: NOW - 1_000_000,
  startedAt: NOW - 500_000,
  activatedAt: NOW,
  lastTriggerAt: undefined,
  unitActiveAt: undefined,
  unitInactiveAt: undefined,
  initial: false,
  ...known,
});
const span = (base: Exclude<TimerValue["base"], "OnCalendar">, ms: number): TimerValue => ({
  base,
  ms,
});
const noon: TimerValue = { base: "OnCalendar", calendar: parseCalendar("*-*-* 12:00 UTC") };

it("counts from what each value is about", () => {
  expect(nextTrigger([span("OnActiveSec", 5)], past())).toBe(NOW + 5);
  expect(nextTrigger([span("OnBootSec", 2_000_000)], past())).toBe(NOW + 1_000_000);
  expect(nextTrigger([span("OnStartupSec", 600_000)], past())).toBe(NOW + 100_000);
  expect(nextTrigger([span("OnUnitActiveSec", 9)], past({ unitActiveAt: NOW - 4 }))).toBe(NOW + 5);
  expect(nextTrigger([span("OnUnitInactiveSec", 9)], past({ unitInactiveAt: NOW - 1 }))).toBe(
    NOW + 8,
  );
});

it("takes the soonest, and what is past only at the start", () => {
  const values = [span("OnActiveSec", 50), span("OnBootSec", 1_000_010)];
  expect(nextTrigger(values, past())).toBe(NOW + 10);
  const over = [span("OnBootSec", 1)];
  expect(nextTrigger(over, past())).toBeUndefined();
  expect(nextTrigger(over, past({ initial: true }))).toBeLessThan(NOW);
  expect(nextTrigger([span("OnUnitActiveSec", 1)], past())).toBeUndefined();
});

it("OnCalendar: after the last time; one missed while nothing ran is due when the supervisor begins", () => {
  expect(nextTrigger([noon], past({ activatedAt: NOW - 1 }))).toBe(NOW);
  expect(nextTrigger([noon], past({ lastTriggerAt: NOW }))).toBe(NOW + 86_400_000);
  const missed = past({ lastTriggerAt: NOW - 3 * 86_400_000, startedAt: NOW - 7 });
  expect(nextTrigger([noon], missed)).toBe(NOW - 7);
});
