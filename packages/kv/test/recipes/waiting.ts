import type { KeyValue } from "../../src/index.js";

/** How many stand in the queue of this name, the holder included. */
export async function waiting(kv: KeyValue, name: string): Promise<number> {
  return (await kv.range(`${name}/`, { prefix: true, countOnly: true })).count;
}

export async function untilWaiting(kv: KeyValue, name: string, count: number): Promise<void> {
  if ((await waiting(kv, name)) === count) return;
  for await (const _batch of kv.watch(`${name}/`, { prefix: true, startRevision: 1 })) {
    if ((await waiting(kv, name)) === count) return;
  }
}
