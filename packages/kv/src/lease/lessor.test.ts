import { beforeEach, describe, expect, it } from "vitest";
import { codeThrown, DrivenStore } from "../../test/store/driven-store.js";
import { Lessor } from "./lessor.js";

let kv: DrivenStore;
let now: number;
let lessor: Lessor;

beforeEach(() => {
  kv = new DrivenStore();
  now = 1000;
  lessor = new Lessor({ store: kv.store, now: () => now, minTtlSeconds: 2 });
});

describe("Lessor", () => {
  it("raises short TTLs to the minimum and refuses what is too long", () => {
    expect([1, 2, 2.5, 60].map((ttl) => lessor.grantedTtl(ttl))).toEqual([2, 2, 3, 60]);
    expect(codeThrown(() => lessor.grantedTtl(9_000_000_001))).toBe("lease-ttl-too-large");
  });

  it("tells a lease when its time is over, not before", () => {
    lessor.promote();
    kv.grant(7n, 3);
    now += 2999;
    expect(lessor.expired()).toEqual([]);
    expect(lessor.nextCheckMs).toBe(1);
    now += 1;
    expect(lessor.expired()).toEqual([7n]);
  });

  it("keeps quiet while the revoke is under way, and tries again if it was lost", () => {
    lessor.promote();
    kv.grant(7n, 3);
    now += 3000;
    expect(lessor.expired()).toEqual([7n]);
    now += 2999;
    expect(lessor.expired()).toEqual([]);
    now += 1;
    expect(lessor.expired()).toEqual([7n]);
    kv.revoke(7n);
    now += 60_000;
    expect(lessor.expired()).toEqual([]);
    expect(lessor.nextCheckMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("renews for the whole TTL, but not what has expired", () => {
    lessor.promote();
    kv.grant(7n, 3);
    now += 2500;
    expect(lessor.renew(7n)).toBe(3);
    now += 2999;
    expect(lessor.expired()).toEqual([]);
    expect(lessor.timeToLive(7n)).toEqual({ id: 7n, grantedTtl: 3, ttl: 0 });
    now += 1;
    expect(codeThrown(() => lessor.renew(7n))).toBe("lease-not-found");
    expect(lessor.expired()).toEqual([7n]);
    expect(codeThrown(() => lessor.renew(8n))).toBe("lease-not-found");
  });

  it("restarts every TTL on promotion, whole and no longer", () => {
    kv.grant(7n, 3);
    kv.grant(8n, 5);
    now += 60_000;
    expect(lessor.expired()).toEqual([]);
    lessor.promote();
    now += 2999;
    expect(lessor.expired()).toEqual([]);
    now += 1;
    expect(lessor.expired()).toEqual([7n]);
    now += 2000;
    expect(lessor.expired()).toEqual([8n]);
  });

  it("does nothing when it does not lead", () => {
    lessor.promote();
    kv.grant(7n, 3);
    lessor.demote();
    kv.grant(8n, 3);
    now += 60_000;
    expect(lessor.expired()).toEqual([]);
    expect(codeThrown(() => lessor.renew(7n))).toBe("not-leader");
    expect(codeThrown(() => lessor.timeToLive(7n))).toBe("not-leader");
    expect(lessor.leading).toBe(false);
  });

  it("knows the leases of a restored state", async () => {
    const other = new DrivenStore();
    other.grant(5n, 3);
    lessor.promote();
    kv.grant(7n, 3);
    await kv.store.restore(other.store.snapshot(), { index: 1, term: 1 });
    now += 3000;
    expect(lessor.expired()).toEqual([5n]);
  });

  it("tells the oldest first and only so many at once", () => {
    lessor.promote();
    for (let id = 1n; id <= 1000n; id++) kv.grant(id, Number(1000n - id) + 3);
    now += 2_000_000;
    expect(lessor.expired(3)).toEqual([1000n, 999n, 998n]);
    expect(lessor.expired()).toHaveLength(100);
    expect(lessor.expired(5000)).toHaveLength(897);
  });

  it("forgets revoked leases, whenever they would have ended", () => {
    lessor.promote();
    for (let round = 0; round < 3; round++) {
      for (let id = 1n; id <= 100n; id++) kv.grant(id, 1000 + Number((id * 37n) % 100n));
      for (let id = 1n; id <= 100n; id++)
        kv.revoke((id * 61n) % 100n === 0n ? 100n : (id * 61n) % 100n);
    }
    expect(lessor.nextCheckMs).toBe(Number.POSITIVE_INFINITY);
  });
});
