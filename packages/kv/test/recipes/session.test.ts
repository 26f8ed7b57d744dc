import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KvError, type StoreMember, startStore } from "../../src/index.js";
import { openSession } from "../../src/recipes/index.js";

let store: StoreMember;
beforeAll(async () => {
  store = await startStore();
});
afterAll(async () => {
  await store.stop();
});

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });

describe("a session", () => {
  test("keeps its keys beyond the TTL, and takes them along when it is closed", async () => {
    const session = await openSession(store.local, { ttl: 1 });
    await store.local.put("kept", "1", { lease: session.lease });
    await sleep(3_500);
    expect(session.lost.aborted).toBe(false);
    expect(await store.local.get("kept")).not.toBeNull();
    await session.close();
    expect(await store.local.get("kept")).toBeNull();
    expect(session.lost.aborted).toBe(false);
  });

  test("tells that its lease was revoked at the next renewal", async () => {
    await using session = await openSession(store.local, { ttl: 2 });
    await store.local.leaseRevoke(session.lease);
    const reason = await aborted(session.lost);
    expect(KvError.is(reason) && reason.code).toBe("lease-not-found");
  });

  test("tells of its loss before the store lets the lease end, when no renewal is answered", async () => {
    let renewals = 0;
    const kv = {
      ...portOf(store),
      leaseKeepAlive: async () => {
        renewals++;
        throw new KvError("unavailable", "cut off");
      },
    };
    const begin = performance.now();
    await using session = await openSession(kv, { ttl: 2 });
    await store.local.put("cut-off", "1", { lease: session.lease });
    await aborted(session.lost);
    expect(performance.now() - begin).toBeLessThan(2_500);
    expect(await store.local.get("cut-off")).not.toBeNull();
    expect(renewals).toBeGreaterThan(3);
  });

  test("rejects where no lease is to be had", async () => {
    const kv = {
      ...portOf(store),
      leaseGrant: async () => {
        throw new KvError("no-leader");
      },
    };
    await expect(openSession(kv)).rejects.toThrow("no leader");
  });
});

/** The store's methods as own properties, so that a test can put its own in their place. */
function portOf({ local }: StoreMember): StoreMember["local"] {
  return {
    range: (...args) => local.range(...args),
    get: (...args) => local.get(...args),
    put: (...args) => local.put(...args),
    delete: (...args) => local.delete(...args),
    txn: (...args) => local.txn(...args),
    watch: (...args) => local.watch(...args),
    leaseGrant: (...args) => local.leaseGrant(...args),
    leaseKeepAlive: (...args) => local.leaseKeepAlive(...args),
    leaseRevoke: (...args) => local.leaseRevoke(...args),
  };
}
