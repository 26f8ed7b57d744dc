import type { DescMethod, DescService } from "@bufbuild/protobuf";
import * as pb from "../../gen/etcdserverpb/rpc_pb.js";
import * as election from "../../gen/v3electionpb/v3election_pb.js";
import * as lock from "../../gen/v3lockpb/v3lock_pb.js";

/** etcd's paths under `/v3`, by service and method; several where older releases had others. */
const PATHS: readonly (readonly [DescService, Readonly<Record<string, readonly string[]>>])[] = [
  [
    pb.KV,
    {
      Range: ["/kv/range"],
      Put: ["/kv/put"],
      DeleteRange: ["/kv/deleterange"],
      Txn: ["/kv/txn"],
      Compact: ["/kv/compaction"],
    },
  ],
  [pb.Watch, { Watch: ["/watch"] }],
  [
    pb.Lease,
    {
      LeaseGrant: ["/lease/grant"],
      LeaseRevoke: ["/lease/revoke", "/kv/lease/revoke"],
      LeaseKeepAlive: ["/lease/keepalive"],
      LeaseTimeToLive: ["/lease/timetolive", "/kv/lease/timetolive"],
      LeaseLeases: ["/lease/leases", "/kv/lease/leases"],
    },
  ],
  [
    pb.Cluster,
    {
      MemberAdd: ["/cluster/member/add"],
      MemberRemove: ["/cluster/member/remove"],
      MemberUpdate: ["/cluster/member/update"],
      MemberList: ["/cluster/member/list"],
      MemberPromote: ["/cluster/member/promote"],
    },
  ],
  [
    pb.Maintenance,
    {
      Alarm: ["/maintenance/alarm"],
      Status: ["/maintenance/status"],
      Defragment: ["/maintenance/defragment"],
      HashKV: ["/maintenance/hash", "/maintenance/hashkv"],
      Snapshot: ["/maintenance/snapshot"],
      MoveLeader: ["/maintenance/transfer-leadership"],
    },
  ],
  [
    pb.Auth,
    {
      AuthEnable: ["/auth/enable"],
      AuthDisable: ["/auth/disable"],
      AuthStatus: ["/auth/status"],
      Authenticate: ["/auth/authenticate"],
      UserAdd: ["/auth/user/add"],
      UserGet: ["/auth/user/get"],
      UserList: ["/auth/user/list"],
      UserDelete: ["/auth/user/delete"],
      UserChangePassword: ["/auth/user/changepw"],
      UserGrantRole: ["/auth/user/grant"],
      UserRevokeRole: ["/auth/user/revoke"],
      RoleAdd: ["/auth/role/add"],
      RoleGet: ["/auth/role/get"],
      RoleList: ["/auth/role/list"],
      RoleDelete: ["/auth/role/delete"],
      RoleGrantPermission: ["/auth/role/grant"],
      RoleRevokePermission: ["/auth/role/revoke"],
    },
  ],
  [lock.Lock, { Lock: ["/lock/lock"], Unlock: ["/lock/unlock"] }],
  [
    election.Election,
    {
      Campaign: ["/election/campaign"],
      Proclaim: ["/election/proclaim"],
      Leader: ["/election/leader"],
      Observe: ["/election/observe"],
      Resign: ["/election/resign"],
    },
  ],
];

/** What is behind one path. */
export interface GatewayRoute {
  /** gRPC's path. */
  readonly rpc: string;
  readonly method: DescMethod;
}

/** Every route by its path without the prefix. */
export function gatewayRoutes(): ReadonlyMap<string, GatewayRoute> {
  const routes = new Map<string, GatewayRoute>();
  for (const [service, methods] of PATHS) {
    for (const method of service.methods) {
      const rpc = `/${service.typeName}/${method.name}`;
      for (const path of methods[method.name] ?? []) routes.set(path, { rpc, method });
    }
  }
  return routes;
}
