import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Command } from "../../src/api/types.js";
import { MvccStore } from "../../src/store/mvcc-store.js";
import type { WatchFilter } from "../../src/watch/types.js";
import { WatchHub } from "../../src/watch/watch-hub.js";
import { commandAt, someCommand, someKey } from "../store/commands.js";
import { DrivenStore, interval, text } from "../store/driven-store.js";
import { ModelStore } from "../store/model.js";

interface Seen {
  readonly revision: number;
  readonly key: string;
  readonly value: string | null;
}

/** A client that reads slowly and starts again after its last batch when it was ended. */
class Client {
  readonly seen: Seen[] = [];
  /** What it was told to be compacted: [from, to). */
  readonly gaps: [number, number][] = [];
  readonly start: number;
  resumeAt: number;
  #resume: () => void = () => {};
  #room = 0;

  constructor(
    hub: WatchHub,
    what: { key: string; end: string | undefined; filters: WatchFilter[]; start: number },
    room: number,
  ) {
    this.start = what.start;
    this.resumeAt = what.start;
    this.#room = room;
    this.#connect(hub, what, room);
  }

  #connect(
    hub: WatchHub,
    what: { key: string; end: string | undefined; filters: WatchFilter[] },
    room: number,
  ): void {
    const request = { ...interval(what.key, what.end), filters: what.filters };
    const watcher = hub.watch(
      { ...request, startRevision: this.resumeAt },
      {
        deliver: ({ revision, events }) => {
          if (revision < this.resumeAt) expect.fail("a batch went back");
          for (const { kv, type } of events) {
            const value = type === "put" ? text(kv.value) : null;
            this.seen.push({ revision: kv.modRevision, key: text(kv.key), value });
          }
          this.resumeAt = revision + 1;
          this.#room--;
          return this.#room > 0;
        },
        ended: (end) => {
          if (end.reason !== "compacted") expect.fail(end.reason);
          this.gaps.push([this.resumeAt, end.compactRevision]);
          this.resumeAt = end.compactRevision;
          this.#connect(hub, what, room);
        },
      },
    );
    this.#resume = () => {
      this.#room = room;
      watcher.resume();
    };
  }

  resume(): void {
    this.#resume();
  }
}

const filters = fc.subarray<WatchFilter>(["no-put", "no-delete"], { maxLength: 1 });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.array(someCommand, { minLength: 1, maxLength: 3 }) },
  { weight: 2, arbitrary: fc.constant("turn" as const) },
  { weight: 1, arbitrary: fc.nat(20).map((resume) => ({ resume })) },
  {
    weight: 2,
    arbitrary: fc.record({
      key: someKey,
      end: fc.constantFrom(undefined, undefined, "\0", "c", "\xff"),
      filters,
      back: fc.nat(8),
      room: fc.constantFrom(1, 2, 1000),
    }),
  },
);

describe("watchers, whatever they watch and however slow they are", () => {
  it("see every event of the model once and in order, but for gaps they are told of", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const turns: (() => void)[] = [];
        const schedule = (turn: () => void) => turns.push(turn);
        const kv = new DrivenStore(new MvccStore({ schedule }));
        const hub = new WatchHub(kv.store, { schedule, catchUpChanges: 5 });
        const model = new ModelStore();
        const clients: { client: Client; wants: (seen: Seen) => boolean }[] = [];
        for (const one of steps) {
          if (one === "turn") turns.shift()?.();
          else if (Array.isArray(one)) {
            const batch: Command[] = one.map((c) => commandAt(model.compactRevision, c));
            const results = kv.applyAll(batch);
            for (const [at, command] of batch.entries()) model.apply(command, results[at]!);
          } else if ("resume" in one) clients[one.resume]?.client.resume();
          else {
            const start = Math.max(1, model.revision + 3 - one.back);
            const client = new Client(hub, { ...one, start }, one.room);
            clients.push({ client, wants: wanting(one) });
          }
        }
        for (let round = 0; round < 200; round++) {
          for (const { client } of clients) client.resume();
          for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
        }
        for (const { client, wants } of clients) {
          const inGap = ({ revision }: Seen) =>
            client.gaps.some(([from, to]) => revision >= from && revision < to);
          const expected = model
            .events(client.start)
            .map(({ revision, key, value }) => ({ revision, key, value }))
            .filter((event) => wants(event) && !inGap(event));
          expect(client.seen).toEqual(expected);
        }
        expect(hub.size.unsynced).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

function wanting(what: { key: string; end: string | undefined; filters: WatchFilter[] }) {
  return ({ key, value }: Seen): boolean => {
    const filter: WatchFilter = value === null ? "no-delete" : "no-put";
    if (what.filters.includes(filter)) return false;
    if (what.end === undefined) return key === what.key;
    return key >= what.key && (what.end === "\0" || key < what.end);
  };
}
