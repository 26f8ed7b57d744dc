export { ApiClient, ApiFailure } from "./cluster/api-client.js";
export { EtcdCluster, type EtcdClusterOptions, type EtcdMember } from "./cluster/etcd-cluster.js";
export { DEBIAN_ETCD, ETCD, FLOTILLA, FLOTILLAD } from "./cluster/executables.js";
export {
  FlotillaCluster,
  type FlotillaClusterOptions,
  Member,
  type MemberPorts,
} from "./cluster/flotilla-cluster.js";
export { freePorts, isFree } from "./process/ports.js";
export { type Exit, RealProcess, type RealProcessOptions } from "./process/real-process.js";
export { type WaitOptions, waitFor } from "./process/wait-for.js";
