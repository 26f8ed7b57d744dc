import * as pb from "../gen/v3lockpb/v3lock_pb.js";
import type { Backend } from "./backend.js";
import { enterQueue } from "./queue-entry.js";
import type { RpcCall, RpcMethod } from "./rpc.js";
import { unary, wireHeader } from "./rpc-pb.js";
import type { StoreFor } from "./services.js";

const NOTHING = new Uint8Array(0);

/** etcd's Lock service by path: a queue of keys, in the caller's name. */
export function lockMethods(backend: Backend, storeFor: StoreFor): readonly RpcMethod[] {
  const header = (revision?: number) => wireHeader(backend.header(revision));
  return [
    unary(
      "/v3lockpb.Lock/Lock",
      pb.LockRequestSchema,
      pb.LockResponseSchema,
      async ({ name, lease }, call: RpcCall) => {
        const entry = { lease, value: NOTHING };
        const { key, revision } = await enterQueue(storeFor(call), name, entry, call.signal);
        return { header: header(revision), key: Uint8Array.from(key) };
      },
    ),
    unary(
      "/v3lockpb.Lock/Unlock",
      pb.UnlockRequestSchema,
      pb.UnlockResponseSchema,
      async ({ key }, call) => {
        const { revision } = await storeFor(call).delete(key);
        return { header: header(revision) };
      },
    ),
  ];
}
