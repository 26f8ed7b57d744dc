import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KvError, type StoreMember, startStore } from "../../src/index.js";
import { acquireLock, type Lock, openSession, put, transaction } from "../../src/recipes/index.js";
import { untilWaiting, waiting } from "./waiting.js";

const ETCDCTL = "/usr/bin/etcdctl";

let store: StoreMember;
beforeAll(async () => {
  store = await startStore();
});
afterAll(async () => {
  await store.stop();
});

describe("a lock", () => {
  test("is one's at a time, in the order of coming, with tokens that grow", async () => {
    const kv = store.local;
    const holders: number[] = [];
    const tokens: number[] = [];
    let inside = 0;
    const first = await acquireLock(kv, "turns");
    const others: Promise<void>[] = [];
    for (let i = 1; i <= 10; i++) {
      const turn = async (): Promise<void> => {
        await using lock = await acquireLock(kv, "turns");
        expect(++inside).toBe(1);
        holders.push(i);
        tokens.push(lock.token);
        await new Promise(setImmediate);
        inside--;
      };
      others.push(turn());
      await untilWaiting(store.local, "turns", i + 1);
    }
    await first.release();
    await Promise.all(others);
    expect(holders).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set([first.token, ...tokens]).size).toBe(11);
    expect(await waiting(store.local, "turns")).toBe(0);
  });

  test("that is waited for in vain leaves nothing behind", async () => {
    await using _held = await acquireLock(store.local, "busy");
    const stop = new AbortController();
    const wait = acquireLock(store.local, "busy", { signal: stop.signal });
    await untilWaiting(store.local, "busy", 2);
    stop.abort(new Error("enough"));
    await expect(wait).rejects.toThrow("enough");
    expect(await waiting(store.local, "busy")).toBe(1);
  });

  test("that was lost fences its former holder out", async () => {
    const kv = store.local;
    const stalled = await acquireLock(kv, "fenced");
    const next = acquireLock(kv, "fenced");
    await untilWaiting(store.local, "fenced", 2);
    // The store let the lease end while the holder stood still.
    const [oldest] = (
      await kv.range("fenced/", { prefix: true, sortTarget: "create", sortOrder: "ascend" })
    ).kvs;
    await kv.leaseRevoke(oldest?.lease ?? 0n);
    await using lock = await next;
    const write = async ({ guard }: Lock, value: string): Promise<boolean> => {
      const done = await transaction(kv).when(guard()).do(put("written", value)).commit();
      return done.succeeded;
    };
    expect(await write(bound(stalled), "late")).toBe(false);
    expect(await write(bound(lock), "in time")).toBe(true);
    expect(lock.token).toBeGreaterThan(stalled.token);
    await stalled.release();
    expect(await waiting(store.local, "fenced")).toBe(1);
  });

  test("ends the wait of one whose lease is lost meanwhile", async () => {
    const kv = store.local;
    await using _held = await acquireLock(kv, "lossy");
    const wait = acquireLock(kv, "lossy", { ttl: 1 });
    const outcome = expect(wait).rejects.toSatisfy(KvError.is);
    await untilWaiting(store.local, "lossy", 2);
    const [, second] = (
      await kv.range("lossy/", { prefix: true, sortTarget: "create", sortOrder: "ascend" })
    ).kvs;
    await kv.leaseRevoke(second?.lease ?? 0n);
    await outcome;
  });

  test.skipIf(!existsSync(ETCDCTL))("and etcdctl's stand in one line", async () => {
    const held = await acquireLock(store.local, "shared");
    const args = ["--endpoints", store.clientUrls.join(","), "lock", "shared"];
    const etcdctl = spawn(ETCDCTL, args, { env: { ETCDCTL_API: "3" } });
    try {
      await untilWaiting(store.local, "shared", 2);
      let output = "";
      etcdctl.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      expect(output).toBe("");
      const printed = once(etcdctl.stdout, "data");
      await held.release();
      await printed;
      expect(output).toMatch(/^shared\/[0-9a-f]+\n/);
      const exited = once(etcdctl, "exit");
      const ours = acquireLock(store.local, "shared");
      await untilWaiting(store.local, "shared", 2);
      etcdctl.kill("SIGINT");
      await using lock = await ours;
      expect(lock.token).toBeGreaterThan(held.token);
      await exited;
    } finally {
      etcdctl.kill("SIGKILL");
    }
  });

  test("of a session that cannot be opened rejects", async () => {
    await expect(openSession(store.local, { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});

/** `guard` apart from its lock. */
const bound = (lock: Lock): Lock => Object.create(lock, { guard: { value: () => lock.guard() } });
