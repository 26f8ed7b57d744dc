import { Buffer } from "node:buffer";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { KvError } from "../api/errors.js";
import type { Bytes, KeyValuePair, TxnRequest } from "../api/types.js";
import type { KeyValue } from "../client/key-value.js";
import { prefixEnd } from "../client/keys.js";
import * as pb from "../gen/v3electionpb/v3election_pb.js";
import type { Backend } from "./backend.js";
import { enterQueue } from "./queue-entry.js";
import type { RpcCall, RpcMethod } from "./rpc.js";
import { readMessage, unary, wireHeader, writeMessage } from "./rpc-pb.js";
import type { StoreFor } from "./services.js";

const at = (method: string): string => `/v3electionpb.Election/${method}`;

/** etcd's Election service by path: a queue of keys, whose first is elected, in the caller's name. */
export function electionMethods(backend: Backend, storeFor: StoreFor): readonly RpcMethod[] {
  const header = (revision?: number) => wireHeader(backend.header(revision));
  return [
    unary(at("Campaign"), pb.CampaignRequestSchema, pb.CampaignResponseSchema, async (q, call) => {
      const { name, lease, value } = q;
      const store = storeFor(call);
      const entry = await enterQueue(store, name, { lease, value }, call.signal);
      const { key, createRevision, revision } = entry;
      const leader = { name, key: Uint8Array.from(key), rev: BigInt(createRevision) };
      return { header: header(revision), leader: { ...leader, lease: entry.lease } };
    }),
    unary(at("Proclaim"), pb.ProclaimRequestSchema, pb.ProclaimResponseSchema, async (q, call) => {
      const { key, rev, lease } = leaderOf(q);
      const { succeeded, revision } = await storeFor(call).txn({
        compare: [stillElected(key, rev)],
        success: [{ type: "put", request: { key, value: q.value, lease } }],
      });
      if (!succeeded) throw new KvError("not-elected");
      return { header: header(revision) };
    }),
    unary(at("Leader"), pb.LeaderRequestSchema, pb.LeaderResponseSchema, async (q, call) => {
      const { kv, revision } = await elected(storeFor(call), q.name);
      if (kv === undefined) throw new KvError("no-elected");
      return { header: header(revision), kv: wirePair(kv) };
    }),
    unary(at("Resign"), pb.ResignRequestSchema, pb.ResignResponseSchema, async (q, call) => {
      const { key, rev } = leaderOf(q);
      const { revision } = await storeFor(call).txn({
        compare: [stillElected(key, rev)],
        success: [{ type: "delete", request: { key } }],
      });
      return { header: header(revision) };
    }),
    {
      kind: "server-stream",
      path: at("Observe"),
      handle: async function* (bytes, call) {
        const { name } = readMessage(pb.LeaderRequestSchema, bytes);
        for await (const { kv, revision } of observe(storeFor(call), name, call)) {
          const message = { header: header(revision), kv: wirePair(kv) };
          yield writeMessage(pb.LeaderResponseSchema, message);
        }
      },
    },
  ];
}

function leaderOf({ leader }: { readonly leader?: pb.LeaderKey | undefined }): pb.LeaderKey {
  if (leader === undefined) throw new KvError("leader-key-missing");
  return leader;
}

function stillElected(key: Bytes, rev: bigint): TxnRequest["compare"][number] {
  return { key, result: "equal", target: "create", revision: Number(rev) };
}

async function elected(
  store: KeyValue,
  name: Bytes,
  signal?: AbortSignal,
): Promise<{ readonly kv: KeyValuePair | undefined; readonly revision: number }> {
  const prefix = Buffer.concat([name, Buffer.from("/")]);
  const { kvs, revision } = await store.range(prefix, {
    rangeEnd: prefixEnd(prefix),
    sortTarget: "create",
    sortOrder: "ascend",
    limit: 1,
    ...(signal === undefined ? {} : { signal }),
  });
  return { kv: kvs[0], revision };
}

/** Who is elected now, and then each change of that or of their value. */
async function* observe(
  store: KeyValue,
  name: Bytes,
  { signal }: RpcCall,
): AsyncGenerator<{ readonly kv: KeyValuePair; readonly revision: number }> {
  const first = await elected(store, name, signal);
  let told = first.kv;
  if (told !== undefined) yield { kv: told, revision: first.revision };
  const prefix = Buffer.concat([name, Buffer.from("/")]);
  const watched = { rangeEnd: prefixEnd(prefix), startRevision: first.revision + 1, signal };
  for await (const batch of store.watch(prefix, watched)) {
    if (batch.events.length === 0) continue;
    const { kv, revision } = await elected(store, name, signal);
    if (kv === undefined || isSame(kv, told)) continue;
    told = kv;
    yield { kv, revision };
  }
}

function isSame(a: KeyValuePair, b: KeyValuePair | undefined): boolean {
  return b !== undefined && a.modRevision === b.modRevision && Buffer.compare(a.key, b.key) === 0;
}

function wirePair(
  kv: KeyValuePair,
): NonNullable<MessageInitShape<typeof pb.LeaderResponseSchema>["kv"]> {
  return {
    key: Uint8Array.from(kv.key),
    value: Uint8Array.from(kv.value),
    createRevision: BigInt(kv.createRevision),
    modRevision: BigInt(kv.modRevision),
    version: BigInt(kv.version),
    lease: kv.lease,
  };
}
