import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MvccStore } from "../../src/store/mvcc-store.js";
import { commandAt, someCommand, someKey } from "./commands.js";
import { bytes, DrivenStore, shown, text } from "./driven-store.js";
import { ModelStore } from "./model.js";

/** Scrubbing happens when the test says so. */
function manual(): { kv: DrivenStore; runTurns: (most: number) => void } {
  const turns: (() => void)[] = [];
  const kv = new DrivenStore(new MvccStore({ schedule: (turn) => turns.push(turn) }));
  const runTurns = (most: number) => {
    for (let i = 0; i < most && turns.length > 0; i++) turns.shift()!();
  };
  return { kv, runTurns };
}

const commands = fc.array(someCommand, { maxLength: 60 });

function play(given: ReturnType<typeof someCommand.generate>["value"][], scrubEvery: number) {
  const { kv, runTurns } = manual();
  const model = new ModelStore();
  for (const [at, command] of given.entries()) {
    const real = commandAt(model.compactRevision, command);
    model.apply(real, kv.apply(real));
    if (scrubEvery > 0 && at % scrubEvery === 0) runTurns(100);
  }
  return { kv, model };
}

async function* chunksOf(all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

describe("the store and a list of everything that happened", () => {
  it("agree on every revision that can be read", () => {
    fc.assert(
      fc.property(commands, fc.nat(3), someKey, someKey, (given, scrubEvery, from, to) => {
        const { kv, model } = play(given, scrubEvery);
        expect(kv.store.revision).toBe(model.revision);
        for (let at = Math.max(1, model.compactRevision); at <= model.revision; at++) {
          const request = { key: bytes(from), rangeEnd: bytes(to), revision: at };
          const expected = model.range(from, to, at);
          const found = kv.store.range(request);
          expect(found.count).toBe(expected.length);
          expect(
            found.kvs.map((pair) => ({
              key: text(pair.key),
              value: text(pair.value),
              mod: pair.modRevision,
              create: pair.createRevision,
              version: pair.version,
              lease: pair.lease,
            })),
          ).toEqual(expected);
          const limited = kv.store.range({ ...request, limit: 2 });
          expect(limited.kvs).toEqual(found.kvs.slice(0, 2));
          expect([limited.more, limited.count]).toEqual([expected.length > 2, expected.length]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("agree on history from the compacted revision on", () => {
    fc.assert(
      fc.property(commands, fc.nat(3), (given, scrubEvery) => {
        const { kv, model } = play(given, scrubEvery);
        const start = Math.max(1, model.compactRevision);
        const key = bytes("\0");
        const options = { prevKv: true, maxRevisions: 1000 };
        const seen = kv.store.history(key, key, start, options).flatMap(({ revision, events }) =>
          events.map((event) => ({
            revision,
            key: text(event.kv.key),
            value: event.type === "put" ? text(event.kv.value) : null,
            previous: event.prevKv === null ? null : text(event.prevKv.value),
          })),
        );
        const expected = model
          .events(start)
          .map((e) => (e.revision <= model.compactRevision ? { ...e, previous: null } : e));
        expect(seen).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it("agree on leases", () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { kv, model } = play(given, 1);
        const live = model.range("", "\0", Number.POSITIVE_INFINITY);
        for (const id of [1n, 2n]) {
          const lease = kv.store.lease(id);
          expect(lease !== undefined).toBe(model.leases.has(id));
          const keys = live.filter((version) => version.lease === id).map(({ key }) => key);
          expect(lease?.keys.map(text) ?? []).toEqual(keys);
        }
      }),
      { numRuns: 80 },
    );
  });
});

describe("hash", () => {
  it("does not depend on batches, rows or how far scrubbing came", () => {
    fc.assert(
      fc.property(commands, (given) => {
        const scrubbed = play(given, 1).kv.store;
        const { store } = play(given, 0).kv;
        const { revision } = store;
        expect(store.hash(0)).toEqual(scrubbed.hash(0));
        const at = Math.max(store.compactRevision, Math.ceil(revision / 2));
        expect(store.hash(at)).toEqual(scrubbed.hash(at));
      }),
      { numRuns: 80 },
    );
  });

  it("tells any two contents apart", () => {
    const one = new DrivenStore();
    const other = new DrivenStore();
    one.put("a", "1");
    other.put("a", "2");
    expect(one.store.hash(0).hash).not.toBe(other.store.hash(0).hash);
  });
});

describe("snapshot", () => {
  it("restores to the same state, history and leases, and the two go on alike", async () => {
    await fc.assert(
      fc.asyncProperty(commands, commands, fc.nat(3), async (given, later, scrubEvery) => {
        const { kv, model } = play(given, scrubEvery);
        const copy = new DrivenStore();
        const at = { index: kv.store.appliedIndex, term: kv.store.appliedTerm };
        await copy.store.restore(kv.store.snapshot(), at);
        expectSame(copy, kv);
        for (const command of later) {
          const real = commandAt(model.compactRevision, command);
          const result = kv.apply(real);
          expect(copy.apply(real)).toEqual(result);
          model.apply(real, result);
        }
        await Promise.all([copy.store.scrubbed()]);
        expectSame(copy, kv);
      }),
      { numRuns: 60 },
    );
  });

  it("shows the moment it was taken, whatever is written, deleted or compacted meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(commands, commands, async (given, meanwhile) => {
        const { kv, model } = play(given, 2);
        const frozen = new DrivenStore();
        await frozen.store.restore(kv.store.snapshot(), { index: 1, term: 1 });
        const chunks: Uint8Array[] = [];
        const snapshot = kv.store.snapshot();
        for (const command of meanwhile) kv.apply(commandAt(model.compactRevision, command));
        for await (const chunk of snapshot) chunks.push(chunk);
        const copy = new DrivenStore();
        await copy.store.restore(chunksOf(chunks), { index: 1, term: 1 });
        expectSame(copy, frozen);
      }),
      { numRuns: 60 },
    );
  });
});

function expectSame(one: DrivenStore, other: DrivenStore): void {
  const seen = ({ store }: DrivenStore) => ({
    hash: store.hash(0),
    leases: store.leases(),
    applied: [store.appliedIndex, store.appliedTerm],
    kvs: shown(store.range({ key: bytes("\0"), rangeEnd: bytes("\0") }).kvs),
    history: store.history(bytes("\0"), bytes("\0"), store.compactRevision, {
      prevKv: true,
      maxRevisions: 1000,
    }),
  });
  expect(sorted(seen(one))).toEqual(sorted(seen(other)));
}

/** Leases come in the order they were granted or read. */
function sorted<Seen extends { leases: readonly { readonly id: bigint }[] }>(seen: Seen): Seen {
  return { ...seen, leases: [...seen.leases].sort((a, b) => Number(a.id - b.id)) };
}
