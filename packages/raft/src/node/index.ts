export { crc32c } from "./crc32c.js";
export type { Disk, DiskFile } from "./disk.js";
export type { TlsOptions } from "./grpc-service.js";
export { GrpcTransport, type GrpcTransportOptions, type ListenAddress } from "./grpc-transport.js";
export { MemoryDisk, type MemoryDiskFaults } from "./memory-disk.js";
export { MemoryNetwork } from "./memory-network.js";
export { NodeDisk } from "./node-disk.js";
export type {
  DirectoryStorage,
  ProposeOptions,
  RaftGroupEvents,
  RaftGroupOptions,
  WaitOptions,
} from "./options.js";
export { RaftGroup } from "./raft-group.js";
export { SnapshotStore } from "./snapshot-store.js";
export type * from "./types.js";
export { Wal } from "./wal.js";
export type {
  DurableLog,
  SnapshotPoint,
  WalContent,
  WalIdentity,
  WalOptions,
  WalRecord,
} from "./wal-types.js";
