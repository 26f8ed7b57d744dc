import { Buffer } from "node:buffer";
import type { Bytes } from "../api/types.js";
import type { KeyValue } from "../client/key-value.js";
import { prefixEnd } from "../client/keys.js";

/**
 * Waits until no key with the prefix is left that was created at `maxCreateRevision` or before:
 * etcd's queue of locks and elections. It looks at the youngest of those only, so that each one that
 * leaves wakes one.
 */
export async function waitForTurn(
  store: KeyValue,
  prefix: Bytes,
  maxCreateRevision: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const before = await store.range(prefix, {
      rangeEnd: prefixEnd(Buffer.from(prefix)),
      sortTarget: "create",
      sortOrder: "descend",
      limit: 1,
      maxCreateRevision,
      signal,
    });
    const [last] = before.kvs;
    if (last === undefined) return;
    await waitForDeletion(store, Uint8Array.from(last.key), before.revision + 1, signal);
  }
}

async function waitForDeletion(
  store: KeyValue,
  key: Bytes,
  startRevision: number,
  signal: AbortSignal,
): Promise<void> {
  for await (const { events } of store.watch(key, { startRevision, signal })) {
    if (events.some(({ type }) => type === "delete")) return;
  }
  signal.throwIfAborted();
}
