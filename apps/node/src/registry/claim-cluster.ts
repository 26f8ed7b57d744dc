import type { KeyValue } from "@flotilla/kv";
import type { Logger } from "pino";
import { messageOf, NodeError } from "../errors.js";
import { sleep } from "../sleep.js";
import type { RegistryKeys } from "./keys.js";
import { putOp, unchanged } from "./registry.js";

/**
 * Makes sure that the store's records are this cluster's: the first node writes the cluster's ID,
 * every other compares. Waits for a store that is away; rejects with `wrong-cluster`.
 */
export async function claimCluster(
  store: KeyValue,
  keys: RegistryKeys,
  clusterId: string,
  options: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { log, signal } = options;
  for (;;) {
    try {
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
      await store.txn(
        { compare: [unchanged(keys.cluster, 0)], success: [putOp(keys.cluster, clusterId)] },
        { signal: attempt },
      );
      const record = await store.get(keys.cluster, { signal: attempt });
      const owner = record === null ? "" : Buffer.from(record.value).toString("utf8");
      if (owner === clusterId) return;
      throw new NodeError(
        "wrong-cluster",
        `the store's records under ${keys.prefix} belong to cluster "${owner}", not "${clusterId}"`,
        { hint: `start with --cluster-id ${owner}, or with another --key-prefix` },
      );
    } catch (error) {
      signal.throwIfAborted();
      if (NodeError.is(error)) throw error;
      log.info({ reason: messageOf(error) }, "waiting for the store");
      await sleep(250, signal);
    }
  }
}
