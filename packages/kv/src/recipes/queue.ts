import type { Compare, KeyValuePair } from "../api/types.js";
import type { BytesLike, CallOptions, KeyValue } from "../client/key-value.js";
import { toBytes } from "../client/keys.js";
import { condition } from "./transaction.js";

/**
 * A place in the queue of those who want one thing: a key under the thing's name and the lease's
 * ID. Whose key is the oldest is first. The keys are those of etcd's `concurrency` package, so
 * that `etcdctl lock` and `etcdctl elect` stand in the same queue.
 */
export interface Place {
  readonly key: string;
  /** Revision at which the key was made: grows from holder to holder. */
  readonly revision: number;
}

/** `NAME/` holds the queue. */
export const queueOf = (name: string): string => `${name}/`;

/** Holds while the key of this place stands, whatever was put into it since. */
export function stands({ key, revision }: Place): Compare {
  return condition(key).createdAt(revision);
}

/** Takes a place; with the same lease it is the same place, with its value as it was. */
export async function standInLine(
  kv: KeyValue,
  name: string,
  lease: bigint,
  value: BytesLike,
  options: CallOptions,
): Promise<Place> {
  const key = `${queueOf(name)}${lease.toString(16)}`;
  const bytes = toBytes(key);
  const { succeeded, revision, responses } = await kv.txn(
    {
      compare: [condition(key).absent()],
      success: [{ type: "put", request: { key: bytes, value: toBytes(value), lease } }],
      failure: [{ type: "range", request: { key: bytes } }],
    },
    options,
  );
  if (succeeded) return { key, revision };
  const [found] = responses;
  const kept = found?.type === "range" ? found.result.kvs[0] : undefined;
  return { key, revision: kept?.createRevision ?? revision };
}

/** Resolves once nobody is before this place. Waits for the one just ahead, not for all. */
export async function untilFirst(
  kv: KeyValue,
  name: string,
  place: Place,
  options: CallOptions,
): Promise<void> {
  for (;;) {
    const { kvs, revision } = await kv.range(queueOf(name), {
      prefix: true,
      keysOnly: true,
      maxCreateRevision: place.revision - 1,
      sortTarget: "create",
      sortOrder: "descend",
      limit: 1,
      ...options,
    });
    const [ahead] = kvs;
    if (ahead === undefined) return;
    await untilDeleted(kv, ahead.key, revision + 1, options);
  }
}

async function untilDeleted(
  kv: KeyValue,
  key: Uint8Array,
  startRevision: number,
  options: CallOptions,
): Promise<void> {
  const watch = kv.watch(key, { startRevision, filters: ["no-put"], ...options });
  for await (const { events } of watch) if (events.length > 0) return;
  options.signal?.throwIfAborted();
}

/** Who is first, or null. */
export async function firstOf(
  kv: KeyValue,
  name: string,
  options: CallOptions,
): Promise<{ readonly first: KeyValuePair | null; readonly revision: number }> {
  const { kvs, revision } = await kv.range(queueOf(name), {
    prefix: true,
    sortTarget: "create",
    sortOrder: "ascend",
    limit: 1,
    ...options,
  });
  return { first: kvs[0] ?? null, revision };
}

/** Gives the place up. */
export async function leave(kv: KeyValue, place: Place): Promise<void> {
  const request = { key: toBytes(place.key) };
  await kv.txn({ compare: [stands(place)], success: [{ type: "delete", request }] });
}
