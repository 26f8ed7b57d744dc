import type { KeyValue } from "@flotilla/kv";
import type { ClusterInfo } from "../api/types.js";

/** The store behind a node, whichever it is. */
export interface NodeStore {
  readonly keyValue: KeyValue;
  /** What `/flotilla/v1/cluster` tells of it. */
  describe(): ClusterInfo["store"];
  /** Rejects when the node can no longer go on. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}
