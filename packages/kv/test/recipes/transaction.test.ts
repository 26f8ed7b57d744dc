import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import {
  type DeleteRangeResult,
  KvError,
  type PutResult,
  type RangeResult,
  type StoreMember,
  startStore,
} from "../../src/index.js";
import { condition, put, range, remove, transaction } from "../../src/recipes/index.js";

let store: StoreMember;
beforeAll(async () => {
  store = await startStore();
});
afterAll(async () => {
  await store.stop();
});

describe("a transaction", () => {
  test("runs one branch, whose results have the types of its operations", async () => {
    const kv = store.local;
    await kv.put("config", "1");
    const swap = transaction(kv)
      .when(condition("config").value("equal", "1"), condition("lock").absent())
      .do(put("config", "2", { prevKv: true }), range("conf", { prefix: true }), remove("none"))
      .otherwise(range("config"));
    const done = await swap.commit();
    if (!done.succeeded) throw new Error("the first must succeed");
    expectTypeOf(done.results).toEqualTypeOf<
      readonly [PutResult, RangeResult, DeleteRangeResult]
    >();
    const [was, now, gone] = done.results;
    expect(Buffer.from(was.prevKv?.value ?? []).toString()).toBe("1");
    expect(now.kvs.map(({ value }) => Buffer.from(value).toString())).toEqual(["2"]);
    expect(gone.deleted).toBe(0);
    const again = await swap.commit();
    if (again.succeeded) throw new Error("the second must not");
    expect(again.results[0].kvs[0]?.modRevision).toBe(done.revision);
    expect(again.revision).toBe(done.revision);
  });

  test("has a condition for each of a key's sides", async () => {
    const kv = store.local;
    const { id } = await kv.leaseGrant(60);
    const { revision } = await kv.put("sides", "x", { lease: id });
    const sides = condition("sides");
    const holds = async (...conditions: ReturnType<typeof sides.exists>[]): Promise<boolean> =>
      (
        await transaction(kv)
          .when(...conditions)
          .commit()
      ).succeeded;
    expect(
      await holds(
        sides.exists(),
        sides.createdAt(revision),
        sides.unchangedSince(revision),
        sides.version("equal", 1),
        sides.value("less", "y"),
        sides.lease("equal", id),
      ),
    ).toBe(true);
    expect(await holds(sides.absent())).toBe(false);
    expect(await holds(sides.unchangedSince(revision - 1))).toBe(false);
    expect(await holds(condition("nowhere").exists())).toBe(false);
    expect(await holds(condition("nowhere").value("not-equal", "x"))).toBe(false);
  });

  test("fails as a whole", async () => {
    const twice = transaction(store.local).do(put("twice", "1"), put("twice", "2"));
    await expect(twice.commit()).rejects.toSatisfy(
      (error: unknown) => KvError.is(error) && error.code === "duplicate-key",
    );
    expect(await store.local.get("twice")).toBeNull();
  });
});
