import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KvError } from "../api/errors.js";
import type { Command } from "../api/types.js";
import * as pb from "../gen/etcdserverpb/rpc_pb.js";
import { commandCodec } from "./command.js";
import * as codec from "./index.js";
import { encode, Reader } from "./index.js";

const NO_BYTES = new Uint8Array(0);
const bytes = fc.uint8Array({ maxLength: 40 });
const number = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    127n,
    128n,
    16_384n,
    2n ** 28n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
  ),
  fc.bigInt({ min: -(2n ** 53n - 1n), max: 2n ** 53n - 1n }),
);
const lease = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const term = fc.bigInt({ min: 0n, max: 2n ** 53n - 1n });

const header = fc.record({
  clusterId: unsigned,
  memberId: unsigned,
  revision: number,
  raftTerm: term,
});
const pair = fc.record({
  key: bytes,
  createRevision: number,
  modRevision: number,
  version: number,
  value: bytes,
  lease,
});
const maybePair = fc.option(pair, { nil: undefined });
const range = fc.record({
  key: bytes,
  rangeEnd: bytes,
  limit: number,
  revision: number,
  sortOrder: fc.integer({ min: 0, max: 2 }),
  sortTarget: fc.integer({ min: 0, max: 4 }),
  serializable: fc.boolean(),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minModRevision: number,
  maxModRevision: number,
  minCreateRevision: number,
  maxCreateRevision: number,
});
const put = fc.record({
  key: bytes,
  value: bytes,
  lease,
  prevKv: fc.boolean(),
  ignoreValue: fc.boolean(),
  ignoreLease: fc.boolean(),
});
const del = fc.record({ key: bytes, rangeEnd: bytes, prevKv: fc.boolean() });
const compare = fc
  .tuple(
    fc.record({ result: fc.integer({ min: 0, max: 3 }), key: bytes, rangeEnd: bytes }),
    fc.oneof(
      // A zero that is present and a zero left out mean the same; only the latter comes back.
      fc.record({ case: fc.constant("version" as const), value: number.filter((n) => n !== 0n) }),
      fc.record({
        case: fc.constant("createRevision" as const),
        value: number.filter((n) => n !== 0n),
      }),
      fc.record({
        case: fc.constant("modRevision" as const),
        value: number.filter((n) => n !== 0n),
      }),
      fc.record({ case: fc.constant("value" as const), value: bytes }),
      fc.record({ case: fc.constant("lease" as const), value: lease.filter((n) => n !== 0n) }),
    ),
  )
  .map(([base, targetUnion]) => ({
    ...base,
    targetUnion,
    target: ["version", "createRevision", "modRevision", "value", "lease"].indexOf(
      targetUnion.case,
    ),
  }));
const { txn, txnResponse } = fc.letrec((tie) => ({
  op: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ case: fc.constant("requestRange" as const), value: range }),
    fc.record({ case: fc.constant("requestPut" as const), value: put }),
    fc.record({ case: fc.constant("requestDeleteRange" as const), value: del }),
    fc.record({ case: fc.constant("requestTxn" as const), value: tie("txn") }),
  ),
  ops: fc.array(
    tie("op").map((request) => ({ request })),
    { maxLength: 3 },
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 3 }),
    success: tie("ops"),
    failure: tie("ops"),
  }),
  responseOp: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({
      case: fc.constant("responseRange" as const),
      value: fc.record({
        kvs: fc.array(pair, { maxLength: 3 }),
        more: fc.boolean(),
        count: number,
      }),
    }),
    fc.record({
      case: fc.constant("responsePut" as const),
      value: fc.record({ prevKv: maybePair }),
    }),
    fc.record({
      case: fc.constant("responseDeleteRange" as const),
      value: fc.record({ deleted: number, prevKvs: fc.array(pair, { maxLength: 3 }) }),
    }),
    fc.record({ case: fc.constant("responseTxn" as const), value: tie("txnResponse") }),
  ),
  txnResponse: fc.record({
    succeeded: fc.boolean(),
    responses: fc.array(
      tie("responseOp").map((response) => ({ response })),
      { maxLength: 3 },
    ),
  }),
}));
const event = fc.record({
  type: fc.integer({ min: 0, max: 1 }),
  kv: pair,
  prevKv: maybePair,
});
const watchResponse = fc.record({
  header,
  watchId: number,
  created: fc.boolean(),
  canceled: fc.boolean(),
  compactRevision: number,
  cancelReason: fc.string({ unit: "grapheme", maxLength: 10 }),
  fragment: fc.boolean(),
  events: fc.array(event, { maxLength: 4 }),
});

interface Case {
  readonly name: string;
  readonly schema: DescMessage;
  readonly values: fc.Arbitrary<unknown>;
  readonly again: (input: Uint8Array) => Uint8Array;
}

const cases: readonly Case[] = [
  {
    name: "RangeRequest",
    schema: pb.RangeRequestSchema,
    values: range,
    again: (input) => encode(codec.writeRangeRequest, codec.readRangeRequest(new Reader(input))),
  },
  {
    name: "RangeResponse",
    schema: pb.RangeResponseSchema,
    values: fc.record({ header, kvs: fc.array(pair), more: fc.boolean(), count: number }),
    again: (input) => {
      const read = codec.readRangeResponse(new Reader(input));
      return encode(codec.writeRangeResponse, read.header, read.result);
    },
  },
  {
    name: "PutRequest",
    schema: pb.PutRequestSchema,
    values: put,
    again: (input) => encode(codec.writePutRequest, codec.readPutRequest(new Reader(input))),
  },
  {
    name: "PutResponse",
    schema: pb.PutResponseSchema,
    values: fc.record({ header, prevKv: maybePair }),
    again: (input) => {
      const read = codec.readPutResponse(new Reader(input));
      return encode(codec.writePutResponse, read.header, read.result);
    },
  },
  {
    name: "DeleteRangeRequest",
    schema: pb.DeleteRangeRequestSchema,
    values: del,
    again: (input) => encode(codec.writeDeleteRequest, codec.readDeleteRequest(new Reader(input))),
  },
  {
    name: "DeleteRangeResponse",
    schema: pb.DeleteRangeResponseSchema,
    values: fc.record({ header, deleted: number, prevKvs: fc.array(pair) }),
    again: (input) => {
      const read = codec.readDeleteResponse(new Reader(input));
      return encode(codec.writeDeleteResponse, read.header, read.result);
    },
  },
  {
    name: "TxnRequest",
    schema: pb.TxnRequestSchema,
    values: txn,
    again: (input) => encode(codec.writeTxnRequest, codec.readTxnRequest(new Reader(input))),
  },
  {
    name: "TxnResponse",
    schema: pb.TxnResponseSchema,
    values: txnResponse,
    again: (input) =>
      encode(codec.writeTxnResponse, null, codec.readTxnResponse(new Reader(input)).result),
  },
  {
    name: "WatchResponse",
    schema: pb.WatchResponseSchema,
    values: watchResponse,
    again: (input) => {
      const read = codec.readWatchResponse(new Reader(input));
      const events = codec.encodeEvents(read.events, true);
      return encode(codec.writeWatchResponse, read, events);
    },
  },
  {
    name: "WatchRequest",
    schema: pb.WatchRequestSchema,
    values: fc.oneof(
      fc
        .record({
          key: bytes,
          rangeEnd: bytes,
          startRevision: number,
          progressNotify: fc.boolean(),
          filters: fc.constantFrom([], [0], [1], [0, 1]),
          prevKv: fc.boolean(),
          watchId: number,
          fragment: fc.boolean(),
        })
        .map((value) => ({ requestUnion: { case: "createRequest", value } })),
      number.map((watchId) => ({ requestUnion: { case: "cancelRequest", value: { watchId } } })),
      fc.constant({ requestUnion: { case: "progressRequest", value: {} } }),
    ),
    again: (input) => encode(codec.writeWatchRequest, codec.readWatchRequest(new Reader(input))),
  },
  {
    name: "LeaseGrantRequest",
    schema: pb.LeaseGrantRequestSchema,
    values: fc.record({ TTL: number, ID: lease }),
    again: (input) =>
      encode(codec.writeLeaseGrantRequest, codec.readLeaseGrantRequest(new Reader(input))),
  },
  {
    name: "LeaseKeepAliveResponse",
    schema: pb.LeaseKeepAliveResponseSchema,
    values: fc.record({ header, TTL: number, ID: lease }),
    again: (input) =>
      encode(codec.writeLeaseTtlResponse, codec.readLeaseTtlResponse(new Reader(input))),
  },
  {
    name: "LeaseRevokeRequest",
    schema: pb.LeaseRevokeRequestSchema,
    values: fc.record({ ID: lease }),
    again: (input) => encode(codec.writeLeaseId, codec.readLeaseId(new Reader(input))),
  },
  {
    name: "LeaseTimeToLiveRequest",
    schema: pb.LeaseTimeToLiveRequestSchema,
    values: fc.record({ ID: lease, keys: fc.boolean() }),
    again: (input) =>
      encode(codec.writeTimeToLiveRequest, codec.readTimeToLiveRequest(new Reader(input))),
  },
  {
    name: "LeaseTimeToLiveResponse",
    schema: pb.LeaseTimeToLiveResponseSchema,
    values: fc.record({
      header,
      ID: lease,
      TTL: number,
      grantedTTL: number,
      keys: fc.array(bytes),
    }),
    again: (input) =>
      encode(codec.writeTimeToLiveResponse, codec.readTimeToLiveResponse(new Reader(input))),
  },
  {
    name: "LeaseLeasesResponse",
    schema: pb.LeaseLeasesResponseSchema,
    values: fc.record({ header, leases: fc.array(fc.record({ ID: lease })) }),
    again: (input) => {
      const read = codec.readLeasesResponse(new Reader(input));
      return encode(codec.writeLeasesResponse, read.header, read.ids);
    },
  },
  {
    name: "CompactionRequest",
    schema: pb.CompactionRequestSchema,
    values: fc.record({ revision: number, physical: fc.boolean() }),
    again: (input) =>
      encode(codec.writeCompactionRequest, codec.readCompactionRequest(new Reader(input))),
  },
];

const build = (item: Case, value: unknown): Uint8Array =>
  toBinary(item.schema, create(item.schema, value as MessageInitShape<DescMessage>));

describe.each(cases)("$name", (item) => {
  test("is read and written as the generated code does", () => {
    fc.assert(
      fc.property(item.values, (value) => {
        const theirs = build(item, value);
        const ours = item.again(theirs);
        // The field order of generated code within a oneof's target differs, so compare decoded.
        expect(fromBinary(item.schema, Uint8Array.from(ours))).toEqual(
          fromBinary(item.schema, theirs),
        );
        expect(ours.length).toBe(theirs.length);
      }),
      { numRuns: 60 },
    );
  });

  test("damaged bytes are read or refused with a KvError, never more", () => {
    fc.assert(
      fc.property(item.values, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, byte) => {
        const input = Uint8Array.from(build(item, value));
        if (input.length > 0) input[at % input.length] = byte;
        for (const bad of [input, input.subarray(0, at % (input.length + 1))]) {
          try {
            item.again(bad);
          } catch (error) {
            if (!KvError.is(error)) throw error;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("noise is read or refused with a KvError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
        try {
          item.again(input);
        } catch (error) {
          if (!KvError.is(error)) throw error;
        }
      }),
      { numRuns: 100 },
    );
  });
});

test("unknown fields of every wire type are skipped", () => {
  const unknown = [
    [0xf8, 0x07, 0x96, 0x01],
    [0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8],
    [0xfa, 0x07, 3, 1, 2, 3],
    [0xfd, 0x07, 1, 2, 3, 4],
    [0xfb, 0x07, 0x08, 0x01, 0xfc, 0x07],
  ].flat();
  const known = encode(codec.writePutRequest, { key: Uint8Array.of(1), value: Uint8Array.of(2) });
  const request = codec.readPutRequest(new Reader(Uint8Array.from([...unknown, ...known])));
  expect([...request.key, ...request.value]).toEqual([1, 2]);
});

test("nesting has a bound", () => {
  let input: Uint8Array = NO_BYTES;
  for (let depth = 0; depth < 200; depth++) {
    input = encode((writer, inner: Uint8Array) => {
      writer.raw(inner);
      const mark = 0;
      writer.close(4, mark);
      writer.close(2, mark);
    }, input);
  }
  expect(() => codec.readTxnRequest(new Reader(input))).toThrow(/nested too deeply/);
});

test("an operation that is none is etcd's key not found", () => {
  expect(() => codec.readTxnRequest(new Reader(Uint8Array.of(0x12, 0)))).toThrow(
    "etcdserver: key not found",
  );
});

test("a comparison's operand of another kind than its target counts as zero", () => {
  const message = create(pb.CompareSchema, {
    target: pb.Compare_CompareTarget.MOD,
    key: Uint8Array.of(1),
    targetUnion: { case: "version", value: 7n },
  });
  const input = toBinary(pb.TxnRequestSchema, create(pb.TxnRequestSchema, { compare: [message] }));
  expect(codec.readTxnRequest(new Reader(input)).compare[0]).toMatchObject({
    target: "mod",
    revision: 0,
  });
});

test("a megabyte grows the scratch and the next small message is whole", () => {
  const value = new Uint8Array(3 * 1024 * 1024).fill(7);
  const big = encode(codec.writePutRequest, { key: Uint8Array.of(1), value });
  expect(Buffer.compare(codec.readPutRequest(new Reader(big)).value, value)).toBe(0);
  const small = encode(codec.writePutRequest, { key: Uint8Array.of(1), value: Uint8Array.of(9) });
  expect([...small]).toEqual([0x0a, 1, 1, 0x12, 1, 9]);
});

const commands: readonly Command[] = [
  { type: "put", request: { key: Uint8Array.of(1), value: Uint8Array.of(2), lease: 5n } },
  { type: "delete", request: { key: Uint8Array.of(1), rangeEnd: Uint8Array.of(0) } },
  {
    type: "txn",
    request: {
      compare: [{ key: Uint8Array.of(1), result: "not-equal", target: "lease", lease: 3n }],
      success: [{ type: "put", request: { key: Uint8Array.of(1), value: Uint8Array.of(2) } }],
      failure: [{ type: "range", request: { key: Uint8Array.of(1) } }],
    },
  },
  { type: "compact", revision: 12, physical: true },
  { type: "lease-grant", id: 2n ** 62n, ttl: 30 },
  { type: "lease-revoke", id: 9n },
  { type: "lease-revoke", id: 9n, term: 0 },
  { type: "lease-revoke", id: 9n, term: 4 },
];

test.each(commands)("the log keeps a command: $type", (command) => {
  const decoded = commandCodec.decode(commandCodec.encode(command));
  expect(JSON.parse(text(decoded))).toEqual(JSON.parse(text(command)));
});

function text(value: unknown): string {
  return JSON.stringify(value, (_, v) =>
    typeof v === "bigint" ? `${v}n` : v instanceof Uint8Array ? [...v] : v,
  );
}

test("a command of a newer version is refused by name", () => {
  const encoded = commandCodec.encode(commands[0] as Command);
  encoded[0] = 2;
  expect(() => commandCodec.decode(encoded)).toThrow("version 2, this member knows 1");
});
