import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHistory, isLinearizable, type Model, type Operation } from "./checker.js";
import { registerHistoryFault } from "./register-history.js";
import { type RegisterInput, registerModel } from "./register-model.js";

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

/** A queue: `put` adds at the end, `take` gives the first, or null when there is none. */
type QueueInput = { readonly queue: string; readonly put: number } | { readonly queue: string };
const queueModel: Model<readonly number[], QueueInput, number | null> = {
  init: () => [],
  step(state, input, output) {
    if ("put" in input) return { state: [...state, input.put] };
    if (output !== undefined && output !== (state[0] ?? null)) return null;
    return { state: state.slice(1) };
  },
  equal: (a, b) => a.length === b.length && a.every((one, at) => one === b[at]),
  object: ({ queue }) => queue,
};
type QueueOperation = Operation<QueueInput, number | null>;
const put = (call: number, end: number, value: number, queue = "q"): QueueOperation => ({
  call,
  return: end,
  input: { queue, put: value },
  output: null,
});
const take = (call: number, end: number, output: number | null, queue = "q"): QueueOperation => ({
  call,
  return: end,
  input: { queue },
  output,
});

describe("a model of one's own", () => {
  it("is checked object by object", () => {
    const history = [put(0, 1, 1, "a"), put(0, 1, 2, "b"), take(2, 3, 2, "b"), take(2, 3, 1, "a")];
    expect(checkHistory(queueModel, history).result).toBe("linearizable");
    expect(checkHistory(queueModel, [...history, take(4, 5, 2, "b")])).toEqual({
      result: "not-linearizable",
      object: "b",
      longest: [history[1], history[2]],
    });
  });

  it("may put overlapping operations into the order that fits", () => {
    const overlapping = [put(0, 9, 1), put(1, 8, 2)];
    expect(isLinearizable(queueModel, [...overlapping, take(10, 11, 2), take(12, 13, 1)])).toBe(
      true,
    );
    expect(isLinearizable(queueModel, [...overlapping, take(10, 11, 2), take(12, 13, 2)])).toBe(
      false,
    );
    expect(isLinearizable(queueModel, [put(0, 1, 1), put(2, 3, 2), take(4, 5, 2)])).toBe(false);
  });

  it("counts with an operation of unknown result at any time, once or never", () => {
    const lost = put(0, Infinity, 1);
    expect(isLinearizable(queueModel, [lost, take(2, 3, null), take(8, 9, 1)])).toBe(true);
    expect(isLinearizable(queueModel, [lost, take(2, 3, null)])).toBe(true);
    expect(isLinearizable(queueModel, [lost, take(2, 3, 1), take(4, 5, 1)])).toBe(false);
    const taken = take(0, Infinity, null);
    expect(isLinearizable(queueModel, [put(0, 1, 1), taken, take(5, 6, null)])).toBe(true);
  });

  it("is given up after so many steps", () => {
    const wide = Array.from({ length: 16 }, (_, value) => put(0, 100, value));
    const history = [...wide, take(200, 201, 99)];
    expect(checkHistory(queueModel, history, { maxSteps: 1000 }).result).toBe("unknown");
    expect(() => isLinearizable(queueModel, history, { maxSteps: 1000 })).toThrow(RangeError);
  });

  it("takes long histories", () => {
    const history: Operation<RegisterInput, number>[] = [];
    for (let i = 1; i <= 3000; i++)
      history.push(write(i * 2, i * 2 + 3, i), read(i * 2 + 1, i * 2 + 4, i));
    expect(isLinearizable(registerModel, history)).toBe(true);
  });
});
