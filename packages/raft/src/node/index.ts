export type { Disk, DiskFile } from "./disk/disk.js";
export {
  type CrashOptions,
  type DiskOperation,
  MemoryDisk,
  type MemoryDiskFaults,
} from "./disk/memory-disk.js";
export { NodeDisk } from "./disk/node-disk.js";
export { RaftGroup } from "./group/raft-group.js";
export { inspectFolder } from "./inspect/inspect-folder.js";
export type * from "./inspect/types.js";
export { verifyFolder } from "./inspect/verify-folder.js";
export type { MetricLabels, RaftCounter, RaftHistogram, RaftMetrics } from "./metrics/types.js";
export type {
  DirectoryStorage,
  MemberChange,
  ProposeOptions,
  RaftGroupEvents,
  RaftGroupOptions,
  SnapshotEvent,
  WaitOptions,
} from "./options.js";
export {
  type ForcedCluster,
  type ForceNewClusterOptions,
  forceNewCluster,
} from "./recovery/force-new-cluster.js";
export { SnapshotStore } from "./snapshot/snapshot-store.js";
export type { ListenAddress } from "./transport/grpc-server.js";
export type { TlsOptions } from "./transport/grpc-service.js";
export { GrpcTransport, type GrpcTransportOptions } from "./transport/grpc-transport.js";
export { MemoryNetwork } from "./transport/memory-network.js";
export type * from "./types.js";
export { crc32c } from "./wal/crc32c.js";
export type { Damage } from "./wal/damage.js";
export type {
  DurableLog,
  SnapshotPoint,
  WalContent,
  WalIdentity,
  WalOptions,
  WalRecord,
} from "./wal/types.js";
export { Wal } from "./wal/wal.js";
