export {
  type ConfChangeEntryType,
  decodeConfChange,
  encodeConfChange,
} from "./core/conf-change/codec.js";
export type { Config, ReadOnlyMode } from "./core/config.js";
export * from "./core/errors.js";
export { MemoryStorage } from "./core/memory-storage.js";
export { createMessage, emptyMessage } from "./core/message.js";
export { RawNode } from "./core/raw-node.js";
export type { BasicStatus, MemberProgress, Status } from "./core/status.js";
export { ProgressState } from "./core/tracker/progress.js";
export * from "./core/types.js";
