import { Buffer } from "node:buffer";
import { KvError } from "../api/errors.js";
import type { Bytes, LeaseId } from "../api/types.js";
import type { KeyValue } from "../client/key-value.js";
import { waitForTurn } from "./turn.js";

/** etcd's: of a lease that is granted because none was given. */
const OWN_LEASE_SECONDS = 60;

/** A place in the queue of a lock or an election. */
export interface QueueEntry {
  readonly key: Bytes;
  readonly lease: LeaseId;
  /** A fencing token: the later holder has the greater one. */
  readonly createRevision: number;
  /** Revision at which it was first in the queue. */
  readonly revision: number;
}

/**
 * Takes a place in the queue `name` and waits until it is the first, as etcd's `concurrency` package
 * does: keys `name/lease` in order of their creation. One lease has one place; who comes again with it
 * keeps that. When the wait ends otherwise the place is given up.
 */
export async function enterQueue(
  store: KeyValue,
  name: Bytes,
  entry: { readonly lease: LeaseId; readonly value: Bytes },
  signal: AbortSignal,
): Promise<QueueEntry> {
  const { value } = entry;
  const lease =
    entry.lease === 0n ? (await store.leaseGrant(OWN_LEASE_SECONDS, { signal })).id : entry.lease;
  const prefix = Buffer.concat([name, Buffer.from("/")]);
  const key = Buffer.concat([prefix, Buffer.from(BigInt.asUintN(64, lease).toString(16))]);
  const created = await store.txn(
    {
      compare: [{ key, result: "equal", target: "create", revision: 0 }],
      success: [{ type: "put", request: { key, value, lease } }],
      failure: [{ type: "range", request: { key } }],
    },
    { signal },
  );
  const createRevision = created.succeeded ? created.revision : await known(store, created, value);
  try {
    await waitForTurn(store, prefix, createRevision - 1, signal);
  } catch (error) {
    await store.delete(key).catch(() => {
      // The lease ends it.
    });
    throw error;
  }
  const { revision, kvs } = await store.range(key);
  if (kvs.length === 0) throw new KvError("session-expired");
  return { key, lease, createRevision, revision };
}

/** The place that a lease has already; its value becomes the new one. */
async function known(
  store: KeyValue,
  { responses }: Awaited<ReturnType<KeyValue["txn"]>>,
  value: Bytes,
): Promise<number> {
  const [response] = responses;
  const kv = response?.type === "range" ? response.result.kvs[0] : undefined;
  if (kv === undefined) throw new KvError("session-expired");
  const { key, createRevision, lease } = kv;
  if (Buffer.compare(kv.value, value) !== 0) {
    const put = { key: Uint8Array.from(key), value, lease };
    const { succeeded } = await store.txn({
      compare: [{ key: put.key, result: "equal", target: "create", revision: createRevision }],
      success: [{ type: "put", request: put }],
    });
    if (!succeeded) throw new KvError("session-expired");
  }
  return createRevision;
}
