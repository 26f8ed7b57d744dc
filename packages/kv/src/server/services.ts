import { HAS_LEADER } from "../api/metadata.js";
import type { Caller } from "../auth/auth-guard.js";
import type { TokenProvider } from "../auth/token-provider.js";
import type { KeyValue } from "../client/key-value.js";
import { AuthService } from "./auth-service.js";
import type { Backend } from "./backend.js";
import { ClusterService } from "./cluster-service.js";
import { KvService } from "./kv-service.js";
import type { LeaderPort } from "./lease-service.js";
import { LeaseService } from "./lease-service.js";
import { MaintenanceService } from "./maintenance-service.js";
import type { RpcCall, RpcMethod } from "./rpc.js";
import { clusterMethods, maintenanceMethods } from "./rpc-admin.js";
import { authMethods } from "./rpc-auth.js";
import type { RpcCounts } from "./rpc-counts.js";
import { electionMethods } from "./rpc-election.js";
import { kvMethods } from "./rpc-kv.js";
import { leaseMethods } from "./rpc-lease.js";
import { lockMethods } from "./rpc-lock.js";
import { keepAliveMethod, watchMethod } from "./rpc-streams.js";

/** The store as somebody may use it. */
export type StoreFor = (caller: Caller) => KeyValue;

/** The services of one member. */
export interface Services {
  readonly kv: KvService;
  readonly lease: LeaseService;
  readonly cluster: ClusterService;
  readonly maintenance: MaintenanceService;
  readonly auth: AuthService;
}

export function createServices(
  backend: Backend,
  leader: LeaderPort,
  tokens: TokenProvider,
): Services {
  return {
    kv: new KvService(backend),
    lease: new LeaseService(backend, leader),
    cluster: new ClusterService(backend),
    maintenance: new MaintenanceService(backend),
    auth: new AuthService(backend, tokens),
  };
}

/** Everything a member answers, by path, for a binding to serve. */
export function rpcMethods(
  backend: Backend,
  services: Services,
  storeFor: StoreFor,
  counts: RpcCounts,
): readonly RpcMethod[] {
  return [
    ...kvMethods(backend, services.kv),
    watchMethod(backend),
    ...leaseMethods(backend, services.lease),
    keepAliveMethod(backend, services.lease),
    ...clusterMethods(backend, services.cluster),
    ...maintenanceMethods(backend, services.maintenance),
    ...authMethods(backend, services.auth),
    ...lockMethods(backend, storeFor),
    ...electionMethods(backend, storeFor),
  ].map((method) => counts.counted(requireLeader(backend, method)));
}

/** Refuses callers that want a leader while there is none, and ends their streams when it is gone. */
function requireLeader({ leadership }: Backend, method: RpcMethod): RpcMethod {
  const asks = (call: RpcCall): boolean => call.metadata(HAS_LEADER) === "true";
  if (method.kind === "unary") {
    return {
      ...method,
      handle: (request, call) => {
        // Metadata is only looked at when it matters: this is on the way of every request.
        if (leadership.leader === 0 && asks(call)) leadership.check();
        return method.handle(request, call);
      },
    };
  }
  if (method.kind === "server-stream") {
    return {
      ...method,
      handle: (request, call) => {
        if (asks(call)) leadership.check();
        return method.handle(request, call);
      },
    };
  }
  return {
    ...method,
    open: (stream) => {
      if (!asks(stream)) return method.open(stream);
      leadership.check();
      const handler = method.open(stream);
      leadership.add(stream);
      return {
        message: (bytes) => handler.message(bytes),
        drained: () => handler.drained(),
        halfClosed: () => handler.halfClosed(),
        closed: () => {
          leadership.remove(stream);
          handler.closed();
        },
      };
    },
  };
}
