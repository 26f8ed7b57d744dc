import { expect, it } from "vitest";
import { KvError, startStore } from "../src/index.js";

it("history is cut at the newest revisions, and the keys stay", async () => {
  await using store = await startStore({ keepRevisions: 100 });
  for (let i = 0; i < 150; i++) await store.local.put("key", String(i));
  const resume = async (): Promise<string> => {
    const signal = AbortSignal.timeout(5_000);
    try {
      for await (const { events } of store.local.watch("key", { startRevision: 2, signal })) {
        return `${events.length} events`;
      }
    } catch (error) {
      if (KvError.is(error)) return error.code;
      throw error;
    }
    return "nothing";
  };
  await expect.poll(resume, { timeout: 15_000, interval: 500 }).toBe("compacted");
  expect(Buffer.from((await store.local.get("key"))?.value ?? []).toString()).toBe("149");
}, 30_000);
