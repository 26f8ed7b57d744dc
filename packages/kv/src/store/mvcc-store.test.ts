import { describe, expect, it } from "vitest";
import {
  bytes,
  codeOf,
  codeThrown,
  DrivenStore,
  del,
  get,
  nested,
  put,
  shown,
  text,
} from "../../test/store/driven-store.js";
import type { Compare, RangeRequest } from "../api/types.js";

describe("revisions", () => {
  it("start at 1 and grow by one for each command that changes keys", () => {
    const kv = new DrivenStore();
    expect(kv.store.revision).toBe(1);
    expect(kv.put("a", "1")).toMatchObject({ type: "put", revision: 2 });
    expect(kv.txn({ success: [put("b"), put("c"), del("a")] })).toMatchObject({ revision: 3 });
    expect(kv.delete("b", "d")).toMatchObject({ revision: 4, result: { deleted: 2 } });
  });

  it("are not taken by deletes of nothing, reading transactions, or failed commands", () => {
    const kv = new DrivenStore();
    kv.put("a", "1");
    expect(kv.delete("nothing")).toMatchObject({ revision: 2, result: { deleted: 0 } });
    kv.txn({ success: [get("a"), del("nothing")] });
    kv.put("a", "2", 99n);
    expect(kv.store.revision).toBe(2);
  });

  it("number a key's creation, changes and versions; a deletion starts anew", () => {
    const kv = new DrivenStore();
    kv.put("a", "1");
    kv.put("x", "1");
    kv.put("a", "2");
    expect(kv.get("a")).toMatchObject({ createRevision: 2, modRevision: 4, version: 2 });
    kv.delete("a");
    expect(kv.get("a")).toBeUndefined();
    kv.put("a", "3");
    expect(kv.get("a")).toMatchObject({ createRevision: 6, modRevision: 6, version: 1 });
  });

  it("follow the log's index and term, also for entries without a command", () => {
    const { store } = new DrivenStore();
    store.apply([
      { index: 4, term: 2, command: null },
      { index: 5, term: 3, command: null },
    ]);
    expect([store.appliedIndex, store.appliedTerm]).toEqual([5, 3]);
  });
});

describe("put and delete", () => {
  it("return the previous pairs when asked", () => {
    const kv = new DrivenStore();
    const request = { key: bytes("a"), value: bytes("2"), prevKv: true };
    expect(kv.apply({ type: "put", request })).toMatchObject({ result: { prevKv: null } });
    const again = kv.apply({ type: "put", request });
    expect(again).toMatchObject({ result: { prevKv: { version: 1, modRevision: 2 } } });
    const gone = kv.delete("", "\0");
    expect(codeOf(gone)).toBe("empty-key");
    const deleted = kv.delete("a", "\0");
    expect(deleted).toMatchObject({ result: { deleted: 1, prevKvs: [{ version: 2 }] } });
  });

  it("can keep the value or the lease of a key that is there", () => {
    const kv = new DrivenStore();
    kv.grant(7n);
    const keepValue = { key: bytes("a"), value: bytes(""), ignoreValue: true };
    const keepLease = { key: bytes("a"), value: bytes("2"), ignoreLease: true };
    expect(codeOf(kv.apply({ type: "put", request: keepValue }))).toBe("key-not-found");
    expect(codeOf(kv.apply({ type: "put", request: keepLease }))).toBe("key-not-found");
    kv.put("a", "1", 7n);
    kv.apply({ type: "put", request: keepLease });
    expect(kv.get("a")).toMatchObject({ value: bytes("2"), lease: 7n });
    kv.apply({ type: "put", request: keepValue });
    expect(kv.get("a")).toMatchObject({ value: bytes("2"), lease: 0n });
  });

  it("refuse contradictions", () => {
    const kv = new DrivenStore();
    const both = { key: bytes("a"), value: bytes("1"), lease: 7n };
    const code = (rest: object) => codeOf(kv.apply({ type: "put", request: { ...both, ...rest } }));
    expect(code({ ignoreValue: true })).toBe("value-provided");
    expect(code({ ignoreLease: true })).toBe("lease-provided");
    expect(code({})).toBe("lease-not-found");
    expect(code({ key: bytes("") })).toBe("empty-key");
  });

  it("order keys by bytes", () => {
    const kv = new DrivenStore();
    for (const key of ["\xff", "a", "\x80", "\0", "B", "ab", "\xc3\xa9"]) kv.put(key, "");
    expect(kv.range("\0", "\0")).toEqual(["\0=", "B=", "a=", "ab=", "\x80=", "\xc3\xa9=", "\xff="]);
  });

  it("keep what was read apart from what the caller does with his bytes", () => {
    const kv = new DrivenStore();
    const value = bytes("before");
    kv.apply({ type: "put", request: { key: bytes("a"), value } });
    value.fill(0);
    expect(kv.range("a")).toEqual(["a=before"]);
  });
});

describe("range", () => {
  function filled(): DrivenStore {
    const kv = new DrivenStore();
    for (const [key, value] of ["b3", "a1", "c2", "e5", "d4"]) kv.put(key!, value!);
    kv.put("a", "9");
    return kv;
  }
  const all = (kv: DrivenStore, rest: Partial<RangeRequest>) => kv.range("a", "z", rest);

  it.each<[string, Partial<RangeRequest>, string[]]>([
    ["everything in order of key", {}, ["a=9", "b=3", "c=2", "d=4", "e=5"]],
    ["a limit", { limit: 2 }, ["a=9", "b=3"]],
    ["no values", { keysOnly: true }, ["a=", "b=", "c=", "d=", "e="]],
    ["keys downwards", { sortOrder: "descend" }, ["e=5", "d=4", "c=2", "b=3", "a=9"]],
    [
      "values upwards",
      { sortOrder: "ascend", sortTarget: "value" },
      ["c=2", "b=3", "d=4", "e=5", "a=9"],
    ],
    [
      "the newest change, limited after sorting",
      { sortOrder: "descend", sortTarget: "mod", limit: 1 },
      ["a=9"],
    ],
    [
      "creation upwards",
      { sortOrder: "ascend", sortTarget: "create" },
      ["b=3", "a=9", "c=2", "e=5", "d=4"],
    ],
    [
      "versions downwards, ties by key",
      { sortOrder: "descend", sortTarget: "version" },
      ["a=9", "b=3", "c=2", "d=4", "e=5"],
    ],
    [
      "a target without order: sorts what the limit let through",
      { sortTarget: "create", limit: 2 },
      ["b=3", "a=9"],
    ],
    ["at least this change", { minModRevision: 6 }, ["a=9", "d=4"]],
    ["at most this change", { maxModRevision: 3 }, ["b=3"]],
    ["at least this creation", { minCreateRevision: 5 }, ["d=4", "e=5"]],
    ["at most this creation", { maxCreateRevision: 3 }, ["a=9", "b=3"]],
    ["an older revision", { revision: 4 }, ["a=1", "b=3", "c=2"]],
  ])("%s", (_, rest, expected) => {
    expect(all(filled(), rest)).toEqual(expected);
  });

  it("counts whatever the limit and the filters, and tells if there is more", () => {
    const { store } = filled();
    const ask = (rest: Partial<RangeRequest>) => {
      const result = store.range({ key: bytes("b"), rangeEnd: bytes("e"), ...rest });
      return [result.kvs.length, result.count, result.more];
    };
    expect(ask({ limit: 2 })).toEqual([2, 3, true]);
    expect(ask({ limit: 3 })).toEqual([3, 3, false]);
    expect(ask({ minModRevision: 5 })).toEqual([1, 3, false]);
    expect(ask({ countOnly: true, limit: 1 })).toEqual([0, 3, false]);
    expect(ask({ countOnly: true, revision: 2 })).toEqual([0, 1, false]);
    expect(ask({ limit: 1, sortOrder: "descend" })).toEqual([1, 3, true]);
  });

  it("knows single keys, prefixes, everything after, and empty intervals", () => {
    const kv = filled();
    expect(kv.range("c")).toEqual(["c=2"]);
    expect(kv.range("c", "")).toEqual(["c=2"]);
    expect(kv.range("d", "\0")).toEqual(["d=4", "e=5"]);
    expect(kv.range("d", "b")).toEqual([]);
    expect(codeThrown(() => kv.range("", "\0"))).toBe("empty-key");
  });

  it("refuses revisions to come and those compacted, but not the compacted one itself", () => {
    const kv = filled();
    expect(codeThrown(() => all(kv, { revision: 8 }))).toBe("future-revision");
    kv.compact(5);
    expect(codeThrown(() => all(kv, { revision: 4 }))).toBe("compacted");
    expect(all(kv, { revision: 5 })).toEqual(["a=1", "b=3", "c=2", "e=5"]);
  });
});

describe("txn", () => {
  it("reads what it wrote, and the past as it was", () => {
    const kv = new DrivenStore();
    kv.put("a", "old");
    const result = kv.txn({ success: [get("a"), put("a", "new"), get("a"), get("a", 2)] });
    if (result.type !== "txn") throw new Error(result.type);
    const reads = result.result.responses.map((op) => (op.type === "range" ? op.result.kvs : []));
    expect(reads.map(shown)).toEqual([["a=old"], [], ["a=new"], ["a=old"]]);
  });

  it.each<[string, Compare, boolean]>([
    ["version", { key: bytes("a"), result: "equal", target: "version", revision: 2 }, true],
    ["create", { key: bytes("a"), result: "less", target: "create", revision: 3 }, true],
    ["mod", { key: bytes("a"), result: "greater", target: "mod", revision: 3 }, false],
    ["value", { key: bytes("a"), result: "equal", target: "value", value: bytes("2") }, true],
    [
      "value order",
      { key: bytes("a"), result: "greater", target: "value", value: bytes("1") },
      true,
    ],
    ["lease", { key: bytes("a"), result: "not-equal", target: "lease", lease: 0n }, false],
    [
      "no key: version 0",
      { key: bytes("x"), result: "equal", target: "version", revision: 0 },
      true,
    ],
    [
      "no key: no value",
      { key: bytes("x"), result: "not-equal", target: "value", value: bytes("") },
      false,
    ],
    [
      "an interval, all of it",
      { key: bytes("a"), rangeEnd: bytes("c"), result: "equal", target: "version", revision: 2 },
      false,
    ],
    [
      "an interval of nothing is like no key",
      { key: bytes("x"), rangeEnd: bytes("z"), result: "equal", target: "create", revision: 0 },
      true,
    ],
  ])("compares %s", (_, compare, expected) => {
    const kv = new DrivenStore();
    kv.put("a", "1");
    kv.put("a", "2");
    kv.put("b", "1");
    const result = kv.txn({ compare: [compare], success: [put("ok")], failure: [put("no")] });
    expect(result).toMatchObject({ result: { succeeded: expected } });
    expect(kv.range(expected ? "ok" : "no")).toHaveLength(1);
  });

  it("decides nested conditions by the state before it", () => {
    const kv = new DrivenStore();
    const isNew: Compare = { key: bytes("a"), result: "equal", target: "version", revision: 0 };
    const inner = { compare: [isNew], success: [put("in", "new")], failure: [put("in", "old")] };
    kv.txn({ success: [put("a"), { type: "txn", request: inner }] });
    expect(kv.range("a", "z")).toEqual(["a=v", "in=new"]);
  });

  it("leaves no trace when any part of the branch fails", () => {
    const kv = new DrivenStore();
    kv.put("a", "1");
    const badLease = { key: bytes("c"), value: bytes(""), lease: 5n };
    const absent = { key: bytes("d"), value: bytes(""), ignoreValue: true };
    const failing = [
      [put("b"), { type: "put" as const, request: badLease }],
      [put("b"), nested([{ type: "put", request: absent }])],
      [put("b"), get("a", 77)],
    ];
    const codes = failing.map((success) => codeOf(kv.txn({ success })));
    expect(codes).toEqual(["lease-not-found", "key-not-found", "future-revision"]);
    expect(kv.range("\0", "\0")).toEqual(["a=1"]);
    expect(kv.store.revision).toBe(2);
  });
});

describe("leases", () => {
  it("lose a key that is written without them or deleted, and take the rest along", () => {
    const kv = new DrivenStore();
    kv.grant(7n, 30);
    kv.grant(8n);
    for (const key of ["d", "c", "b", "a"]) kv.put(key, "1", 7n);
    kv.put("b", "2");
    kv.put("c", "2", 8n);
    expect(kv.store.lease(7n)).toEqual({ id: 7n, ttl: 30, keys: [bytes("a"), bytes("d")] });
    const before = kv.store.revision;
    expect(kv.revoke(7n)).toMatchObject({ revision: before + 1 });
    expect(kv.range("a", "z")).toEqual(["b=2", "c=2"]);
    expect(kv.store.leases().map(({ id }) => id)).toEqual([8n]);
  });

  it("without keys are revoked without a revision", () => {
    const kv = new DrivenStore();
    kv.grant(7n);
    expect(kv.revoke(7n)).toMatchObject({ type: "lease-revoke", revision: 1 });
  });

  it("are not revoked by a leader that was deposed meanwhile", () => {
    const kv = new DrivenStore();
    kv.grant(7n);
    kv.put("a", "1", 7n);
    kv.term = 2;
    expect(codeOf(kv.revoke(7n, 1))).toBe("leader-changed");
    expect(kv.range("a")).toHaveLength(1);
    expect(codeOf(kv.revoke(7n, 2))).toBe("ok");
    expect(kv.range("a")).toHaveLength(0);
  });

  it("fail as etcd's do", () => {
    const kv = new DrivenStore();
    kv.grant(7n);
    expect(codeOf(kv.grant(7n))).toBe("lease-exists");
    expect(codeOf(kv.grant(9n, 9_000_000_001))).toBe("lease-ttl-too-large");
    expect(codeOf(kv.revoke(8n))).toBe("lease-not-found");
  });
});

describe("compaction", () => {
  it("refuses what is compacted or yet to come", () => {
    const kv = new DrivenStore();
    for (let i = 0; i < 5; i++) kv.put("a", String(i));
    expect(codeOf(kv.compact(7))).toBe("future-revision");
    expect(codeOf(kv.compact(4))).toBe("ok");
    expect(codeOf(kv.compact(4))).toBe("compacted");
    expect(kv.store.revision).toBe(6);
  });

  it("frees old versions and deleted keys in later turns", async () => {
    const kv = new DrivenStore();
    for (let i = 0; i < 100; i++) kv.put(`k${i % 10}`, "x".repeat(1000));
    kv.delete("k0", "k5");
    kv.compact(kv.store.revision);
    await kv.store.scrubbed();
    // The deletions at the compacted revision itself stay for watchers that start there.
    expect(kv.store.stats).toMatchObject({ keys: 5, versions: 10 });
    kv.put("z", "");
    kv.compact(kv.store.revision);
    await kv.store.scrubbed();
    expect(kv.store.stats).toMatchObject({ keys: 6, versions: 6 });
    expect(kv.store.sizeBytes).toBe(5 * 1002 + 1);
  });

  it("gives memory back, and leaves what was read before as it was", async () => {
    const kv = new DrivenStore();
    kv.put("keep", "k".repeat(1000));
    const read = kv.get("keep")!;
    for (let i = 0; i < 20_000; i++) kv.put(`k${i % 10}`, String(i).padEnd(1000, "."));
    expect(kv.store.stats.reservedBytes).toBeGreaterThan(20e6);
    kv.compact(kv.store.revision);
    await kv.store.scrubbed();
    expect(kv.store.stats.reservedBytes).toBeLessThan(3e6);
    expect(text(read.value)).toBe("k".repeat(1000));
    expect(kv.range("keep")).toEqual([`keep=${"k".repeat(1000)}`]);
    expect(kv.get("k9")?.version).toBe(2000);
  });
});

describe("history", () => {
  it("tells whole revisions in order, with what they replaced", () => {
    const kv = new DrivenStore();
    kv.put("a", "1");
    kv.txn({ success: [put("a", "2"), put("b", "1")] });
    kv.delete("a");
    const seen = kv.store.history(bytes("a"), bytes("z"), 2, { prevKv: true, maxRevisions: 10 });
    const told = seen.map(({ revision, events }) => [
      revision,
      events.map((e) => `${e.type} ${shown([e.kv])} was ${e.prevKv ? shown([e.prevKv]) : "-"}`),
    ]);
    expect(told).toEqual([
      [2, ["put a=1 was -"]],
      [3, ["put a=2 was a=1", "put b=1 was -"]],
      [4, ["delete a= was a=2"]],
    ]);
    expect(seen[2]!.events[0]!.kv).toMatchObject({ createRevision: 0, modRevision: 4, version: 0 });
  });

  it("begins at the compacted revision at the earliest", async () => {
    const kv = new DrivenStore();
    kv.put("a", "1");
    kv.delete("a");
    kv.put("b", "1");
    kv.compact(3);
    await kv.store.scrubbed();
    const from = (start: number) =>
      kv.store.history(bytes("\0"), bytes("\0"), start, { prevKv: true, maxRevisions: 10 });
    expect(codeThrown(() => from(2))).toBe("compacted");
    expect(from(3).map(({ events }) => events[0]!.type)).toEqual(["delete", "put"]);
    expect(from(3)[0]!.events[0]!.prevKv).toBeNull();
    expect(from(5)).toEqual([]);
  });
});
