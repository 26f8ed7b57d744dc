import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../src/client/index.js";
import type { KeyValue, KeyValuePair, WatchBatch, WatchEvent } from "../src/index.js";
import { KvError, startStore } from "../src/index.js";
import { hasEtcd, NO_ETCD, startRealEtcd } from "./support/etcd.js";

/** One way to have a store; every test of this file holds for each. */
interface Setup {
  readonly name: string;
  readonly available: boolean;
  start(): Promise<{ readonly kv: KeyValue } & AsyncDisposable>;
}

const setups: readonly Setup[] = [
  {
    name: "the embedded store",
    available: true,
    start: async () => {
      const store = await startStore();
      return { kv: store.local, [Symbol.asyncDispose]: () => store.stop() };
    },
  },
  {
    name: "the client to our server",
    available: true,
    start: async () => {
      const store = await startStore();
      const kv = connect({ endpoints: store.clientUrls });
      return {
        kv,
        [Symbol.asyncDispose]: async () => {
          await kv.close();
          await store.stop();
        },
      };
    },
  },
  {
    name: `the client to Debian's etcd${NO_ETCD}`,
    available: hasEtcd,
    start: async () => {
      const etcd = await startRealEtcd();
      const kv = connect({ endpoints: etcd.endpoints });
      return {
        kv,
        [Symbol.asyncDispose]: async () => {
          await kv.close();
          await etcd[Symbol.asyncDispose]();
        },
      };
    },
  },
];

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();
const pairs = (kvs: readonly KeyValuePair[]): string[] =>
  kvs.map(({ key, value }) => `${text(key)}=${text(value)}`);
const shown = ({ type, kv, prevKv }: WatchEvent): string =>
  `${type} ${text(kv.key)}=${text(kv.value)}${prevKv === null ? "" : ` was ${text(prevKv.value)}`}`;

/** The first `count` events of a watch. */
async function take(batches: AsyncIterable<WatchBatch>, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const batch of batches) {
    events.push(...batch.events);
    if (events.length >= count) break;
  }
  return events;
}

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "resolved";
  } catch (error) {
    if (!KvError.is(error)) throw error;
    return error.code;
  }
};

describe.each(setups.filter(({ available }) => available))("$name", ({ start }) => {
  let kv: KeyValue;
  let stop: () => Promise<void>;
  let folder = 0;
  /** A prefix of the test's own. */
  let at = "";

  beforeAll(async () => {
    const started = await start();
    kv = started.kv;
    stop = async () => await started[Symbol.asyncDispose]();
  });
  afterAll(async () => await stop());

  const fresh = (): void => {
    at = `t${folder++}/`;
  };

  test("put, get, and what changes with each put", async () => {
    fresh();
    const first = await kv.put(`${at}a`, "1");
    expect(first.prevKv).toBeNull();
    const second = await kv.put(`${at}a`, bytes("2"), { prevKv: true });
    expect(second.revision).toBe(first.revision + 1);
    expect(text((second.prevKv as KeyValuePair).value)).toBe("1");
    const got = await kv.get(`${at}a`);
    expect(got).toMatchObject({
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2,
      lease: 0n,
    });
    expect(pairs([got as KeyValuePair])).toEqual([`${at}a=2`]);
    expect(await kv.get(`${at}none`)).toBeNull();
  });

  test("ranges: prefix, interval, limit, order, keys only, count only, an older revision", async () => {
    fresh();
    for (const key of ["b", "a", "d", "c"]) await kv.put(`${at}${key}`, key);
    const { revision } = await kv.put(`${at}e`, "e");
    await kv.put(`${at}a`, "new");
    const all = await kv.range(at, { prefix: true });
    expect(pairs(all.kvs)).toEqual(["a=new", "b=b", "c=c", "d=d", "e=e"].map((s) => at + s));
    expect(all).toMatchObject({ count: 5, more: false, revision: revision + 1 });
    const some = await kv.range(at, { prefix: true, limit: 2, sortOrder: "descend" });
    expect(pairs(some.kvs)).toEqual([`${at}e=e`, `${at}d=d`]);
    expect(some).toMatchObject({ count: 5, more: true });
    const interval = await kv.range(`${at}b`, { rangeEnd: `${at}d`, keysOnly: true });
    expect(pairs(interval.kvs)).toEqual([`${at}b=`, `${at}c=`]);
    const counted = await kv.range(at, { prefix: true, countOnly: true });
    expect(counted).toMatchObject({ count: 5, kvs: [] });
    const older = await kv.range(`${at}a`, { revision });
    expect(pairs(older.kvs)).toEqual([`${at}a=a`]);
    const byMod = await kv.range(at, {
      prefix: true,
      sortTarget: "mod",
      sortOrder: "descend",
      limit: 1,
    });
    expect(pairs(byMod.kvs)).toEqual([`${at}a=new`]);
    const changed = await kv.range(at, { prefix: true, minModRevision: revision + 1 });
    expect(pairs(changed.kvs)).toEqual([`${at}a=new`]);
    const local = await kv.range(`${at}a`, { serializable: true });
    expect(pairs(local.kvs)).toEqual([`${at}a=new`]);
  });

  test("deletes tell what they deleted", async () => {
    fresh();
    await kv.put(`${at}a`, "1");
    await kv.put(`${at}b`, "2");
    const gone = await kv.delete(at, { prefix: true, prevKv: true });
    expect(gone.deleted).toBe(2);
    expect(pairs(gone.prevKvs)).toEqual([`${at}a=1`, `${at}b=2`]);
    expect(await kv.delete(at, { prefix: true })).toMatchObject({
      deleted: 0,
      revision: gone.revision,
    });
  });

  test("a transaction takes one branch, at one revision", async () => {
    fresh();
    const key = bytes(`${at}lock`);
    const take = {
      compare: [{ key, target: "create" as const, result: "equal" as const, revision: 0 }],
      success: [
        { type: "put" as const, request: { key, value: bytes("me") } },
        { type: "put" as const, request: { key: bytes(`${at}log`), value: bytes("taken") } },
      ],
      failure: [{ type: "range" as const, request: { key } }],
    };
    const first = await kv.txn(take);
    expect(first.succeeded).toBe(true);
    expect(first.responses.map(({ type }) => type)).toEqual(["put", "put"]);
    const both = await kv.range(at, { prefix: true });
    expect(both.kvs.map(({ modRevision }) => modRevision)).toEqual([
      first.revision,
      first.revision,
    ]);
    const second = await kv.txn(take);
    expect(second.succeeded).toBe(false);
    const [answer] = second.responses;
    expect(answer?.type === "range" ? pairs(answer.result.kvs) : null).toEqual([`${at}lock=me`]);
    expect(second.revision).toBe(first.revision);
  });

  test("nested transactions, and every target of a comparison", async () => {
    fresh();
    const { id } = await kv.leaseGrant(60);
    const { revision } = await kv.put(`${at}a`, "v", { lease: id });
    const key = bytes(`${at}a`);
    const put = { type: "put" as const, request: { key: bytes(`${at}b`), value: bytes("ok") } };
    const result = await kv.txn({
      compare: [
        { key, target: "version", result: "equal", revision: 1 },
        { key, target: "create", result: "equal", revision },
        { key, target: "mod", result: "less", revision: revision + 1 },
        { key, target: "value", result: "not-equal", value: bytes("w") },
        { key, target: "lease", result: "equal", lease: id },
        { key, rangeEnd: bytes(`${at}z`), target: "version", result: "greater", revision: 0 },
      ],
      success: [
        { type: "txn", request: { compare: [], success: [put], failure: [] } },
        { type: "delete", request: { key, prevKv: true } },
      ],
    });
    expect(result.succeeded).toBe(true);
    expect(result.responses.map(({ type }) => type)).toEqual(["txn", "delete"]);
    expect(pairs((await kv.range(at, { prefix: true })).kvs)).toEqual([`${at}b=ok`]);
    await kv.leaseRevoke(id);
  });

  test("errors are etcd's", async () => {
    fresh();
    expect(await codeOf(kv.put("", "x"))).toBe("empty-key");
    expect(await codeOf(kv.range(""))).toBe("empty-key");
    expect(await codeOf(kv.put(`${at}a`, "x", { lease: 123_456n }))).toBe("lease-not-found");
    expect(await codeOf(kv.leaseKeepAlive(123_456n))).toBe("lease-not-found");
    expect(await codeOf(kv.leaseRevoke(123_456n))).toBe("lease-not-found");
    expect(await codeOf(kv.range(`${at}a`, { revision: 2 ** 40 }))).toBe("future-revision");
    expect(await codeOf(kv.leaseGrant(9_000_000_001))).toBe("lease-ttl-too-large");
    const put = { type: "put" as const, request: { key: bytes(`${at}a`), value: bytes("x") } };
    expect(await codeOf(kv.txn({ compare: [], success: [put, put] }))).toBe("duplicate-key");
    const many = Array.from({ length: 129 }, (_, i) => ({
      type: "range" as const,
      request: { key: bytes(`${at}${i}`) },
    }));
    expect(await codeOf(kv.txn({ compare: [], success: many }))).toBe("too-many-ops");
    expect(await codeOf(kv.put(`${at}a`, Buffer.alloc(1.6 * 1024 * 1024)))).toBe(
      "request-too-large",
    );
    expect(await codeOf(kv.delete(Buffer.alloc(1.6 * 1024 * 1024, 120)))).toBe("request-too-large");
    const big = { type: "put" as const, request: { key: bytes(at), value: Buffer.alloc(2 ** 20) } };
    const other = { ...big, request: { ...big.request, key: bytes(`${at}2`) } };
    expect(await codeOf(kv.txn({ compare: [], success: [big, other] }))).toBe("request-too-large");
    const { id } = await kv.leaseGrant(60, { id: 777n });
    expect(await codeOf(kv.leaseGrant(60, { id }))).toBe("lease-exists");
    await kv.leaseRevoke(id);
  });

  test("a watch sees every change once, in order, with what was before", async () => {
    fresh();
    const { revision } = await kv.put(`${at}a`, "0");
    const events = take(
      kv.watch(at, { prefix: true, startRevision: revision + 1, prevKv: true }),
      4,
    );
    await kv.put(`${at}a`, "1");
    await kv.put(`x${at}`, "elsewhere");
    await kv.put(`${at}b`, "2");
    await kv.delete(at, { prefix: true });
    expect((await events).map(shown)).toEqual([
      `put ${at}a=1 was 0`,
      `put ${at}b=2`,
      `delete ${at}a= was 1`,
      `delete ${at}b= was 2`,
    ]);
  });

  test("a watch from the past catches up, with filters, and batches are whole revisions", async () => {
    fresh();
    const { revision } = await kv.put(`${at}a`, "1");
    const two = ["a", "b"].map((key) => ({
      type: "put" as const,
      request: { key: bytes(`${at}${key}`), value: bytes("2") },
    }));
    const txn = await kv.txn({ compare: [], success: two });
    await kv.delete(`${at}a`);
    const all = kv.watch(at, { prefix: true, startRevision: revision });
    const seen: WatchBatch[] = [];
    for await (const batch of all) {
      seen.push(batch);
      if (batch.revision >= txn.revision + 1) break;
    }
    const events = seen.flatMap((batch) => batch.events);
    expect(events.map(shown)).toEqual([
      `put ${at}a=1`,
      `put ${at}a=2`,
      `put ${at}b=2`,
      `delete ${at}a=`,
    ]);
    for (const batch of seen) {
      const inTxn = batch.events.filter(({ kv: { modRevision } }) => modRevision === txn.revision);
      expect([0, 2]).toContain(inTxn.length);
    }
    const deletes = kv.watch(at, { prefix: true, startRevision: revision, filters: ["no-put"] });
    expect((await take(deletes, 1)).map(shown)).toEqual([`delete ${at}a=`]);
  });

  test("a watch ends when its signal aborts", async () => {
    fresh();
    const abort = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      const { revision } = await kv.put(`${at}first`, "");
      for await (const batch of kv.watch(at, {
        prefix: true,
        startRevision: revision,
        signal: abort.signal,
      })) {
        seen.push(...batch.events.map(shown));
        abort.abort();
      }
    })();
    await watching;
    expect(seen).toEqual([`put ${at}first=`]);
  });

  test("an aborted call rejects with cancelled", async () => {
    expect(await codeOf(kv.get("a", { signal: AbortSignal.abort() }))).toBe("cancelled");
    expect(await codeOf(kv.put("a", "b", { signal: AbortSignal.abort() }))).toBe("cancelled");
  });

  test("a lease takes its keys along when it is revoked", async () => {
    fresh();
    const { id, ttl } = await kv.leaseGrant(30);
    expect(ttl).toBe(30);
    await kv.put(`${at}a`, "1", { lease: id });
    await kv.put(`${at}b`, "1", { lease: id });
    expect((await kv.get(`${at}a`))?.lease).toBe(id);
    expect(await kv.leaseKeepAlive(id)).toBe(30);
    const { revision } = await kv.range(at, { prefix: true });
    const gone = take(kv.watch(at, { prefix: true, startRevision: revision + 1 }), 2);
    await kv.leaseRevoke(id);
    const events = await gone;
    expect(events.map(shown)).toEqual([`delete ${at}a=`, `delete ${at}b=`]);
    expect(new Set(events.map(({ kv: { modRevision } }) => modRevision)).size).toBe(1);
  });

  test("a lease that nobody renews expires; its shortest TTL is two seconds", async () => {
    fresh();
    const { id, ttl } = await kv.leaseGrant(1);
    expect(ttl).toBe(2);
    const { revision } = await kv.put(`${at}mayfly`, "1", { lease: id });
    const [event] = await take(kv.watch(at, { prefix: true, startRevision: revision + 1 }), 1);
    expect(shown(event as WatchEvent)).toBe(`delete ${at}mayfly=`);
    expect(await codeOf(kv.leaseKeepAlive(id))).toBe("lease-not-found");
  });
});
