import { KvError } from "../api/errors.js";
import { HAS_LEADER } from "../api/metadata.js";
import type { Backend } from "./backend.js";
import { ClusterService } from "./cluster-service.js";
import { KvService } from "./kv-service.js";
import type { LeaderPort } from "./lease-service.js";
import { LeaseService } from "./lease-service.js";
import { MaintenanceService } from "./maintenance-service.js";
import type { RpcCall, RpcMethod } from "./rpc.js";
import { clusterMethods, maintenanceMethods } from "./rpc-admin.js";
import { kvMethods } from "./rpc-kv.js";
import { leaseMethods } from "./rpc-lease.js";
import { keepAliveMethod, watchMethod } from "./rpc-streams.js";

/** The services of one member. */
export interface Services {
  readonly kv: KvService;
  readonly lease: LeaseService;
  readonly cluster: ClusterService;
  readonly maintenance: MaintenanceService;
}

export function createServices(backend: Backend, leader: LeaderPort): Services {
  return {
    kv: new KvService(backend),
    lease: new LeaseService(backend, leader),
    cluster: new ClusterService(backend),
    maintenance: new MaintenanceService(backend),
  };
}

/** Everything a member answers, by path, for a binding to serve. */
export function rpcMethods(backend: Backend, services: Services): readonly RpcMethod[] {
  return [
    ...kvMethods(backend, services.kv),
    watchMethod(backend),
    ...leaseMethods(backend, services.lease),
    keepAliveMethod(backend, services.lease),
    ...clusterMethods(backend, services.cluster),
    ...maintenanceMethods(backend, services.maintenance),
  ].map((method) => requireLeader(backend, method));
}

/** Refuses callers that want a leader while there is none. */
function requireLeader(backend: Backend, method: RpcMethod): RpcMethod {
  const check = (call: RpcCall): void => {
    if (backend.leader === 0 && call.metadata(HAS_LEADER) === "true") {
      throw new KvError("no-leader");
    }
  };
  if (method.kind === "unary") {
    return {
      ...method,
      handle: (request, call) => {
        check(call);
        return method.handle(request, call);
      },
    };
  }
  if (method.kind === "server-stream") {
    return {
      ...method,
      handle: (request, call) => {
        check(call);
        return method.handle(request, call);
      },
    };
  }
  return {
    ...method,
    open: (stream) => {
      check(stream);
      return method.open(stream);
    },
  };
}
