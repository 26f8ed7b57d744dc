import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KeyValuePair, type StoreMember, startStore } from "../../src/index.js";
import { campaign, leaderOf, observe, put, transaction } from "../../src/recipes/index.js";
import { untilWaiting } from "./waiting.js";

let store: StoreMember;
beforeAll(async () => {
  store = await startStore();
});
afterAll(async () => {
  await store.stop();
});

const valueIn = (kv: KeyValuePair | null): string | null =>
  kv === null ? null : Buffer.from(kv.value).toString();

describe("an election", () => {
  test("has one leader at a time, and observers see them come and go", async () => {
    const kv = store.local;
    const stop = new AbortController();
    const seen: (string | null)[] = [];
    const observed = (async () => {
      for await (const leader of observe(kv, "jobs", { signal: stop.signal })) {
        seen.push(valueIn(leader));
        if (seen.length === 5) break;
      }
    })();
    while (seen.length === 0) await new Promise(setImmediate);
    const first = await campaign(kv, "jobs", "a");
    while (seen.length === 1) await new Promise(setImmediate);
    expect(await first.proclaim("a, working")).toBe(true);
    while (seen.length === 2) await new Promise(setImmediate);
    const waiting = campaign(kv, "jobs", "b");
    await untilWaiting(kv, "jobs", 2);
    await first.resign();
    const second = await waiting;
    expect(valueIn(await leaderOf(kv, "jobs"))).toBe("b");
    expect(second.token).toBeGreaterThan(first.token);
    while (seen.length === 3) await new Promise(setImmediate);
    await second.resign();
    await observed;
    stop.abort();
    expect(seen).toEqual([null, "a", "a, working", "b", null]);
    expect(await leaderOf(kv, "jobs")).toBeNull();
  });

  test("a leader whose lease ended can do nothing more, although it was not told yet", async () => {
    const kv = store.local;
    const deposed = await campaign(kv, "office", "old");
    const waiting = campaign(kv, "office", "new");
    await untilWaiting(kv, "office", 2);
    await kv.leaseRevoke((await leaderOf(kv, "office"))?.lease ?? 0n);
    await using leader = await waiting;
    expect(await deposed.proclaim("still here")).toBe(false);
    const write = transaction(kv).do(put("decision", "x"));
    expect((await write.when(deposed.guard()).commit()).succeeded).toBe(false);
    expect((await write.when(leader.guard()).commit()).succeeded).toBe(true);
    await deposed.resign();
    expect(valueIn(await leaderOf(kv, "office"))).toBe("new");
  });
});
