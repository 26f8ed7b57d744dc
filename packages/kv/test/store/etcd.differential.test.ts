import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Bytes,
  KeyValuePair,
  RequestOp,
  ResponseOp,
  TxnRequest,
} from "../../src/api/types.js";
import { checkTxn } from "../../src/store/check.js";
import { bytes, codeThrown, DrivenStore, interval } from "./driven-store.js";

const ETCD = "/usr/bin/etcd";
const isHere = existsSync(ETCD);
if (!isHere) console.warn("skipped: needs the Debian package etcd-server");

let etcd: ChildProcess;
let directory: string;
let url: string;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function call(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, { method: "POST", body: JSON.stringify(body) });
  return (await response.json()) as Record<string, unknown>;
}

beforeAll(async () => {
  if (!isHere) return;
  directory = await mkdtemp(join(tmpdir(), "flotilla-etcd-"));
  const [client, peer] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const flags = {
    "data-dir": directory,
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  etcd = spawn(ETCD, args, { stdio: ["ignore", "ignore", "pipe"] });
  // Read to the end: a closed pipe would end etcd.
  await new Promise<void>((resolve, reject) => {
    let log = "";
    etcd.stderr!.on("data", (chunk) => {
      log += chunk;
      if (log.includes("ready to serve client requests")) resolve();
    });
    etcd.once("exit", () => reject(new Error(log)));
  });
}, 60_000);

afterAll(async () => {
  if (!isHere) return;
  etcd.kill();
  if (etcd.exitCode === null) await once(etcd, "exit");
  await rm(directory, { recursive: true });
});

const base64 = (value: Bytes) => Buffer.from(value).toString("base64");

/** A request as etcd's JSON gateway takes it. */
function toJson(op: RequestOp): object {
  switch (op.type) {
    case "put": {
      const { key, value, ...rest } = op.request;
      const flags = { prev_kv: rest.prevKv, ignore_value: rest.ignoreValue };
      return { request_put: { key: base64(key), value: base64(value), ...flags } };
    }
    case "delete":
      return { request_delete_range: { ...keysToJson(op.request), prev_kv: true } };
    case "range": {
      const { limit, revision, sortOrder, sortTarget, keysOnly, countOnly } = op.request;
      const numbers = { limit, revision, keys_only: keysOnly, count_only: countOnly };
      const sort = {
        sort_order: sortOrder?.toUpperCase(),
        sort_target: sortTarget?.toUpperCase(),
        min_mod_revision: op.request.minModRevision,
        max_create_revision: op.request.maxCreateRevision,
      };
      return { request_range: { ...keysToJson(op.request), ...numbers, ...sort } };
    }
    case "txn":
      return { request_txn: txnToJson(op.request) };
  }
}

function keysToJson({ key, rangeEnd }: { key: Bytes; rangeEnd?: Bytes }): object {
  return { key: base64(key), ...(rangeEnd === undefined ? {} : { range_end: base64(rangeEnd) }) };
}

function txnToJson({ compare, success, failure }: TxnRequest): object {
  const conditions = compare.map(({ key, rangeEnd }) => ({
    ...keysToJson({ key, ...(rangeEnd === undefined ? {} : { rangeEnd }) }),
    target: "VERSION",
    result: "EQUAL",
    version: 0,
  }));
  return { compare: conditions, success: success.map(toJson), failure: failure.map(toJson) };
}

/** Our answer as etcd's gateway writes it: zero and empty fields left out, numbers as strings. */
function pairToJson({ key, value, ...rest }: KeyValuePair): object {
  return {
    key: base64(key),
    create_revision: String(rest.createRevision),
    mod_revision: String(rest.modRevision),
    version: String(rest.version),
    ...(value.length === 0 ? {} : { value: base64(value) }),
  };
}

function responseToJson(op: ResponseOp): object {
  switch (op.type) {
    case "put": {
      const { prevKv } = op.result;
      return { response_put: prevKv === null ? {} : { prev_kv: pairToJson(prevKv) } };
    }
    case "delete": {
      const { deleted, prevKvs } = op.result;
      if (deleted === 0) return { response_delete_range: {} };
      const told = { deleted: String(deleted), prev_kvs: prevKvs.map(pairToJson) };
      return { response_delete_range: told };
    }
    case "range": {
      const { kvs, more, count } = op.result;
      return {
        response_range: {
          ...(kvs.length === 0 ? {} : { kvs: kvs.map(pairToJson) }),
          ...(more ? { more } : {}),
          ...(count === 0 ? {} : { count: String(count) }),
        },
      };
    }
    case "txn": {
      const { succeeded, responses } = op.result;
      return {
        response_txn: {
          ...(succeeded ? { succeeded } : {}),
          ...(responses.length === 0 ? {} : { responses: responses.map(responseToJson) }),
        },
      };
    }
  }
}

/** Without the headers that etcd puts into each part. */
function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== "header");
  return Object.fromEntries(kept.map(([name, inner]) => [name, cleaned(inner)]));
}

const someKey = fc.constantFrom("a", "a\0", "b", "ba", "c", "\xff");
const someEnd = fc.constantFrom(undefined, "b", "c", "a", "\0");
const keys = fc.tuple(someKey, someEnd).map(([key, end]) => interval(key, end));
const simple: fc.Arbitrary<RequestOp> = fc.oneof(
  fc
    .record({ key: someKey, value: fc.string({ maxLength: 3 }), prevKv: fc.boolean() })
    .map(({ key, value, prevKv }) => ({
      type: "put" as const,
      request: { key: bytes(key), value: bytes(value), prevKv, ignoreValue: value === "" },
    })),
  keys.map((request) => ({ type: "delete" as const, request: { ...request, prevKv: true } })),
  fc
    .record({
      keys,
      limit: fc.nat(3),
      back: fc.constantFrom(0, 0, 1, 3),
      sortOrder: fc.constantFrom("none" as const, "ascend" as const, "descend" as const),
      sortTarget: fc.constantFrom("key" as const, "create" as const, "mod" as const),
      keysOnly: fc.boolean(),
      countOnly: fc.boolean(),
      minModRevision: fc.constantFrom(0, 0, 5, 20),
      maxCreateRevision: fc.constantFrom(0, 0, 10, 30),
    })
    .map(({ keys: which, back, ...rest }) => ({
      type: "range" as const,
      request: { ...which, ...rest, revision: -back },
    })),
);
const { txn } = fc.letrec<{ op: RequestOp; txn: TxnRequest }>((tie) => ({
  op: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 4, arbitrary: simple },
    {
      weight: 1,
      arbitrary: tie("txn").map((request) => ({ type: "txn" as const, request })),
    },
  ),
  txn: fc.record({
    compare: fc.array(
      keys.map((which) => ({
        ...which,
        target: "version" as const,
        result: "equal" as const,
        revision: 0,
      })),
      { maxLength: 1 },
    ),
    success: fc.array(tie("op"), { maxLength: 3 }),
    failure: fc.array(tie("op"), { maxLength: 3 }),
  }),
}));

/** A revision of −n stands for the nth before the newest. */
function settle(request: TxnRequest, revision: number): TxnRequest {
  const one = (op: RequestOp): RequestOp => {
    if (op.type === "txn") return { type: "txn", request: settle(op.request, revision) };
    if (op.type !== "range" || !op.request.revision) return op;
    return { ...op, request: { ...op.request, revision: revision + op.request.revision } };
  };
  return { ...request, success: request.success.map(one), failure: request.failure.map(one) };
}

describe.skipIf(!isHere)("our store and Debian's etcd", () => {
  it("give the same answer to the same transactions", async () => {
    const kv = new DrivenStore();
    const everything = interval("\0", "\0");
    const seen = { failed: 0, written: 0 };
    for (const [at, raw] of fc.sample(txn, { numRuns: 400, seed: 20 }).entries()) {
      const request = settle(raw, kv.store.revision);
      if (at % 50 === 49) {
        const revision = kv.store.revision - 5;
        await call("/v3/kv/compaction", { revision });
        kv.compact(revision);
      }
      const theirs = await call("/v3/kv/txn", txnToJson(request));
      const before = kv.store.revision;
      const ours = kv.apply({ type: "txn", request });
      if (ours.type === "error") {
        seen.failed++;
        expect([at, theirs["message"] ?? theirs]).toEqual([at, ours.error.message]);
      } else if (ours.type === "txn") {
        seen.written += ours.revision - before;
        const header = theirs["header"] as { revision: string } | undefined;
        expect([at, header?.revision ?? theirs]).toEqual([at, String(ours.revision)]);
        const responses = ours.result.responses.map(responseToJson);
        expect([at, cleaned(theirs["responses"] ?? [])]).toEqual([at, responses]);
      }
      const state = await call("/v3/kv/range", keysToJson(everything));
      const pairs = kv.store.range(everything).kvs.map(pairToJson);
      expect([at, state["kvs"] ?? []]).toEqual([at, pairs]);
    }
    expect(seen.failed).toBeGreaterThan(20);
    expect(seen.written).toBeGreaterThan(50);
  }, 120_000);

  it("draw the same line for the number of operations", async () => {
    const op: RequestOp = { type: "range", request: { key: bytes("a") } };
    for (const [outer, inner] of [
      [128, 0],
      [129, 0],
      [1, 127],
      [1, 128],
      [2, 126],
    ] as const) {
      const nestedOnes = Array.from({ length: inner }, () => op);
      const request: TxnRequest = { compare: [], success: nestedOnes, failure: [] };
      const success: RequestOp[] = Array.from({ length: outer }, () => op);
      if (inner > 0) success[0] = { type: "txn", request };
      const whole = { compare: [], success, failure: [] };
      const theirs = await call("/v3/kv/txn", txnToJson(whole));
      const ours = codeThrown(() => checkTxn(whole, 128));
      expect(theirs["message"] ?? "ok").toMatch(ours === "ok" ? "ok" : "too many operations");
    }
  }, 60_000);
});
