import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import * as pb from "../gen/etcdserverpb/rpc_pb.js";
import type { StoreMemberInfo } from "../member/types.js";
import type { Backend } from "./backend.js";
import type { ClusterService } from "./cluster-service.js";
import type { MaintenanceService } from "./maintenance-service.js";
import type { RpcMethod } from "./rpc.js";
import { unary, wireHeader, writeMessage } from "./rpc-pb.js";

/** Bytes in one message of a snapshot's stream. */
const SNAPSHOT_PIECE_BYTES = 64 * 1024;
const SECTOR_BYTES = 512;

const wireMember = (member: StoreMemberInfo): MessageInitShape<typeof pb.MemberSchema> => ({
  ID: member.id,
  name: member.name,
  peerURLs: [...member.peerUrls],
  clientURLs: [...member.clientUrls],
  isLearner: member.learner,
});

/** etcd's Cluster service by path. */
export function clusterMethods(backend: Backend, cluster: ClusterService): readonly RpcMethod[] {
  const answer = (
    members: readonly StoreMemberInfo[],
  ): {
    header: MessageInitShape<typeof pb.ResponseHeaderSchema>;
    members: MessageInitShape<typeof pb.MemberSchema>[];
  } => ({ header: wireHeader(backend.header()), members: members.map(wireMember) });
  const at = (method: string): string => `/etcdserverpb.Cluster/${method}`;
  return [
    unary(at("MemberList"), pb.MemberListRequestSchema, pb.MemberListResponseSchema, async (q) =>
      answer(await cluster.list(q.linearizable)),
    ),
    unary(
      at("MemberAdd"),
      pb.MemberAddRequestSchema,
      pb.MemberAddResponseSchema,
      async (q, caller) => {
        const { member, members } = await cluster.add(q.peerURLs, q.isLearner, { caller });
        return { ...answer(members), member: wireMember(member) };
      },
    ),
    unary(
      at("MemberRemove"),
      pb.MemberRemoveRequestSchema,
      pb.MemberRemoveResponseSchema,
      async (q, caller) => answer(await cluster.remove(q.ID, { caller })),
    ),
    unary(
      at("MemberUpdate"),
      pb.MemberUpdateRequestSchema,
      pb.MemberUpdateResponseSchema,
      async (q, caller) => answer(await cluster.update(q.ID, q.peerURLs, { caller })),
    ),
    unary(
      at("MemberPromote"),
      pb.MemberPromoteRequestSchema,
      pb.MemberPromoteResponseSchema,
      async (q, caller) => answer(await cluster.promote(q.ID, { caller })),
    ),
  ];
}

/** etcd's Maintenance service by path. */
export function maintenanceMethods(
  backend: Backend,
  maintenance: MaintenanceService,
): readonly RpcMethod[] {
  const header = (): MessageInitShape<typeof pb.ResponseHeaderSchema> =>
    wireHeader(backend.header());
  const at = (method: string): string => `/etcdserverpb.Maintenance/${method}`;
  return [
    unary(at("Status"), pb.StatusRequestSchema, pb.StatusResponseSchema, async () => {
      const status = maintenance.status();
      return {
        header: header(),
        version: status.version,
        dbSize: BigInt(status.dbSize),
        dbSizeInUse: BigInt(status.dbSizeInUse),
        leader: status.leader,
        raftIndex: BigInt(status.raftIndex),
        raftTerm: BigInt(status.raftTerm),
        raftAppliedIndex: BigInt(status.raftAppliedIndex),
        isLearner: status.learner,
        errors: [...status.errors],
      };
    }),
    // No alarm is ever raised: the quota is checked with each write, and lifts by itself.
    unary(at("Alarm"), pb.AlarmRequestSchema, pb.AlarmResponseSchema, async () => ({
      header: header(),
    })),
    // There is nothing to defragment: the space of what is compacted is used again at once.
    unary(
      at("Defragment"),
      pb.DefragmentRequestSchema,
      pb.DefragmentResponseSchema,
      async (_, caller) => {
        await backend.guard.checkAdmin(caller);
        return { header: header() };
      },
    ),
    unary(at("Hash"), pb.HashRequestSchema, pb.HashResponseSchema, async (_, caller) => {
      await backend.guard.checkAdmin(caller);
      const { hash } = maintenance.hashKv(0);
      return { header: header(), hash };
    }),
    unary(at("HashKV"), pb.HashKVRequestSchema, pb.HashKVResponseSchema, async (q, caller) => {
      await backend.guard.checkAdmin(caller);
      const { hash, revision, compactRevision } = maintenance.hashKv(Number(q.revision));
      return {
        header: header(),
        hash,
        compactRevision: BigInt(compactRevision),
        hashRevision: BigInt(revision),
      };
    }),
    unary(at("MoveLeader"), pb.MoveLeaderRequestSchema, pb.MoveLeaderResponseSchema, async (q) => {
      await maintenance.moveLeader(q.targetID);
      return { header: header() };
    }),
    {
      kind: "server-stream",
      path: at("Snapshot"),
      handle: async function* (_, caller) {
        await backend.guard.checkAdmin(caller);
        yield* snapshotMessages(backend, maintenance);
      },
    },
  ];
}

/**
 * The state in pieces, zeros up to a whole number of 512 bytes, and the SHA-256 of all of that:
 * etcdctl knows from the length that the hash is there.
 */
async function* snapshotMessages(
  backend: Backend,
  maintenance: MaintenanceService,
): AsyncGenerator<Uint8Array> {
  const header = wireHeader(backend.header());
  const hash = createHash("sha256");
  const message = (blob: Uint8Array): Uint8Array =>
    writeMessage(pb.SnapshotResponseSchema, {
      header,
      blob: Uint8Array.from(blob),
      version: backend.version,
    });
  let bytes = 0;
  for await (const chunk of maintenance.snapshot()) {
    hash.update(chunk);
    bytes += chunk.length;
    for (let at = 0; at < chunk.length; at += SNAPSHOT_PIECE_BYTES) {
      yield message(chunk.subarray(at, at + SNAPSHOT_PIECE_BYTES));
    }
  }
  const padding = Buffer.alloc((SECTOR_BYTES - (bytes % SECTOR_BYTES)) % SECTOR_BYTES);
  hash.update(padding);
  yield message(Buffer.concat([padding, hash.digest()]));
}
