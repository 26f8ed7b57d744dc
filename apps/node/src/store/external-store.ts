import { connect } from "@flotilla/kv/client";
import type { NodeStore } from "./node-store.js";

/** An existing etcd v3 cluster: `etcd://host:2379,host:2379`. */
export function openExternalStore(url: string): NodeStore {
  const endpoints = url
    .slice("etcd://".length)
    .split(",")
    .map((address) => `http://${address}`);
  const client = connect({ endpoints });
  return {
    keyValue: client,
    describe: () => ({ kind: "external", endpoints, members: [] }),
    // A remote store cannot end this process: while it is away, the node waits for it.
    failed: new Promise<never>(() => undefined),
    close: async () => client.close(),
  };
}
