import {
  encode,
  Reader,
  readCompactionRequest,
  readDeleteRequest,
  readPutRequest,
  readRangeRequest,
  readTxnRequest,
  writeDeleteResponse,
  writeHeaderOnly,
  writePutResponse,
  writeRangeResponse,
  writeTxnResponse,
} from "../codec/index.js";
import type { Backend } from "./backend.js";
import type { KvService } from "./kv-service.js";
import type { RpcMethod } from "./rpc.js";

/**
 * etcd's KV service by path. Calls carry no signal: what is proposed cannot be taken back, and
 * reads are short.
 */
export function kvMethods(backend: Backend, kv: KvService): readonly RpcMethod[] {
  return [
    {
      kind: "unary",
      path: "/etcdserverpb.KV/Range",
      handle: async (bytes, caller) => {
        const { result, revision } = await kv.range(readRangeRequest(new Reader(bytes)), {
          caller,
        });
        return encode(writeRangeResponse, backend.header(revision), result);
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.KV/Put",
      handle: async (bytes, caller) => {
        const request = readPutRequest(new Reader(bytes));
        const { result, revision } = await kv.put(request, { bytes: bytes.length, caller });
        return encode(writePutResponse, backend.header(revision), result);
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.KV/DeleteRange",
      handle: async (bytes, caller) => {
        const request = readDeleteRequest(new Reader(bytes));
        const { result, revision } = await kv.deleteRange(request, { bytes: bytes.length, caller });
        return encode(writeDeleteResponse, backend.header(revision), result);
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.KV/Txn",
      handle: async (bytes, caller) => {
        const request = readTxnRequest(new Reader(bytes));
        const { result, revision } = await kv.txn(request, { bytes: bytes.length, caller });
        return encode(writeTxnResponse, backend.header(revision), result);
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.KV/Compact",
      handle: async (bytes, caller) => {
        const { revision } = await kv.compact(readCompactionRequest(new Reader(bytes)), { caller });
        return encode(writeHeaderOnly, backend.header(revision));
      },
    },
  ];
}
