import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isLinearizable,
  type Operation,
  type RegisterInput,
  registerModel,
} from "./linearizability.js";
import { registerHistoryFault } from "./register-history.js";

type RegisterOperation = Operation<RegisterInput, number>;

const write = (call: number, end: number, value: number): RegisterOperation => ({
  call,
  return: end,
  input: { type: "write", value },
  output: 0,
});
const read = (call: number, end: number, output: number): RegisterOperation => ({
  call,
  return: end,
  input: { type: "read" },
  output,
});

const cases: { name: string; history: RegisterOperation[]; ok: boolean }[] = [
  { name: "nothing", history: [], ok: true },
  { name: "a read of the initial value", history: [read(0, 1, 0)], ok: true },
  { name: "a read after a write", history: [write(0, 1, 7), read(2, 3, 7)], ok: true },
  { name: "a stale read", history: [write(0, 1, 7), read(2, 3, 0)], ok: false },
  { name: "a read of what is being written", history: [write(0, 9, 7), read(1, 2, 7)], ok: true },
  {
    name: "a value that comes and goes",
    history: [write(0, 9, 7), read(1, 2, 7), read(3, 4, 0)],
    ok: false,
  },
  { name: "a read from the future", history: [read(0, 1, 7), write(2, 3, 7)], ok: false },
  {
    name: "a write of unknown result that took effect late",
    history: [write(0, Infinity, 7), write(1, 2, 8), read(3, 4, 8), read(5, 6, 7)],
    ok: true,
  },
  {
    name: "a write of unknown result that took effect twice",
    history: [write(0, Infinity, 7), read(1, 2, 7), write(3, 4, 8), read(5, 6, 8), read(7, 8, 7)],
    ok: false,
  },
  {
    name: "reads that saw two writes in different orders",
    history: [write(0, 9, 1), write(0, 9, 2), read(1, 2, 1), read(3, 4, 2), read(5, 6, 1)],
    ok: false,
  },
];

describe("linearizability", () => {
  it.each(cases)("judges $name", ({ history, ok }) => {
    expect(isLinearizable(registerModel, history)).toBe(ok);
    expect(registerHistoryFault(history) === null).toBe(ok);
  });

  it("judges registers alike by search and by spans", () => {
    const operation = fc.record({
      call: fc.integer({ min: 0, max: 20 }),
      length: fc.integer({ min: 1, max: 10 }),
      isWrite: fc.boolean(),
      lost: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      seen: fc.integer({ min: 0, max: 4 }),
    });
    const seen = { ok: 0, faulty: 0 };
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 9 }), (drawn) => {
        let value = 0;
        const history = drawn.map(({ call, length, isWrite, lost, seen: output }) => {
          const end = lost ? Infinity : call + length;
          return isWrite ? write(call, end, ++value) : read(call, end, output);
        });
        const ok = isLinearizable(registerModel, history);
        expect(registerHistoryFault(history) === null).toBe(ok);
        seen[ok ? "ok" : "faulty"]++;
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(Math.min(seen.ok, seen.faulty)).toBeGreaterThan(300);
  });
});
