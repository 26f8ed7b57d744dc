import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ResponseHeader } from "../api/types.js";
import { malformed } from "../codec/index.js";
import type * as pb from "../gen/etcdserverpb/rpc_pb.js";
import type { RpcCall, RpcMethod } from "./rpc.js";

/** Methods whose messages go through generated code: all that are not on a hot path. */

/** Throws KvError for bytes that are no such message. */
export function readMessage<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error));
  }
}

export function writeMessage<S extends DescMessage>(
  schema: S,
  message: MessageInitShape<S>,
): Uint8Array {
  return toBinary(schema, create(schema, message));
}

export function unary<Q extends DescMessage, A extends DescMessage>(
  path: string,
  request: Q,
  response: A,
  handle: (request: MessageShape<Q>, call: RpcCall) => Promise<MessageInitShape<A>>,
): RpcMethod {
  return {
    kind: "unary",
    path,
    handle: async (bytes, call) =>
      writeMessage(response, await handle(readMessage(request, bytes), call)),
  };
}

export const wireHeader = (
  header: ResponseHeader,
): MessageInitShape<typeof pb.ResponseHeaderSchema> => ({
  clusterId: header.clusterId,
  memberId: header.memberId,
  revision: BigInt(header.revision),
  raftTerm: BigInt(header.raftTerm),
});
