import { Buffer } from "node:buffer";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as pb from "../gen/etcdserverpb/rpc_pb.js";
import type { StoreMemberInfo } from "../member/types.js";
import type { Caller } from "./caller.js";

/** What one server tells of itself. */
export interface EndpointStatus {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  readonly version: string;
  /** 0n while it knows none. */
  readonly leader: bigint;
  readonly revision: number;
  readonly dbSize: number;
  readonly raftTerm: number;
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly learner: boolean;
  readonly errors: readonly string[];
}

/** The members of the cluster as one server knows them. */
export interface Membership {
  readonly clusterId: bigint;
  readonly members: readonly StoreMemberInfo[];
}

/** etcd's HashKV of one server: the same everywhere at the same revision. */
export interface EndpointHash {
  readonly hash: number;
  readonly compactRevision: number;
  /** Revision of the store when it answered. */
  readonly revision: number;
}

export async function fetchMembers(
  caller: Caller,
  linearizable: boolean,
  signal?: AbortSignal,
): Promise<Membership> {
  const request = create(pb.MemberListRequestSchema, { linearizable });
  const bytes = await caller.unary(
    "/etcdserverpb.Cluster/MemberList",
    Buffer.from(toBinary(pb.MemberListRequestSchema, request)),
    { idempotent: true, signal },
  );
  const { header, members } = fromBinary(pb.MemberListResponseSchema, bytes);
  return {
    clusterId: header?.clusterId ?? 0n,
    members: members.map((member) => ({
      id: member.ID,
      name: member.name,
      peerUrls: member.peerURLs,
      clientUrls: member.clientURLs,
      learner: member.isLearner,
    })),
  };
}

export async function fetchStatus(
  caller: Caller,
  endpoint: string,
  signal?: AbortSignal,
): Promise<EndpointStatus> {
  const bytes = await caller.at(
    endpoint,
    "/etcdserverpb.Maintenance/Status",
    Buffer.alloc(0),
    signal,
  );
  const status = fromBinary(pb.StatusResponseSchema, bytes);
  return {
    memberId: status.header?.memberId ?? 0n,
    clusterId: status.header?.clusterId ?? 0n,
    version: status.version,
    leader: status.leader,
    revision: Number(status.header?.revision ?? 0n),
    dbSize: Number(status.dbSize),
    raftTerm: Number(status.raftTerm),
    raftIndex: Number(status.raftIndex),
    raftAppliedIndex: Number(status.raftAppliedIndex),
    learner: status.isLearner,
    errors: status.errors,
  };
}

export async function fetchHash(
  caller: Caller,
  endpoint: string,
  revision: number,
  signal?: AbortSignal,
): Promise<EndpointHash> {
  const request = create(pb.HashKVRequestSchema, { revision: BigInt(revision) });
  const bytes = await caller.at(
    endpoint,
    "/etcdserverpb.Maintenance/HashKV",
    Buffer.from(toBinary(pb.HashKVRequestSchema, request)),
    signal,
  );
  const response = fromBinary(pb.HashKVResponseSchema, bytes);
  return {
    hash: response.hash,
    compactRevision: Number(response.compactRevision),
    revision: Number(response.header?.revision ?? 0n),
  };
}
