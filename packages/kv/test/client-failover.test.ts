import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type KeyValueClient } from "../src/client/index.js";
import { KvError } from "../src/index.js";
import { hasEtcd, NO_ETCD, type RealEtcd, startRealEtcd } from "./support/etcd.js";
import { freePorts } from "./support/temporary.js";

const text = (value: Uint8Array): string => Buffer.from(value).toString();

test("nobody listens: every call fails by its deadline, and says where", async () => {
  const [port] = await freePorts(1);
  await using client = connect({ endpoints: [`http://127.0.0.1:${port}`], timeoutMs: 300 });
  const failure = await client.put("a", "b").catch((error: unknown) => error);
  expect(KvError.is(failure) && failure.status).toBe("Unavailable");
  expect(String(failure)).toContain(`127.0.0.1:${port}`);
});

test("a closed client refuses calls and ends watches", async () => {
  const [port] = await freePorts(1);
  const client = connect({ endpoints: [`127.0.0.1:${port}`] });
  const watching = (async () => {
    for await (const _ of client.watch("a")) throw new Error("nothing can come");
  })();
  await client.close();
  await watching;
  await expect(client.get("a")).rejects.toMatchObject({ code: "cancelled" });
});

describe.skipIf(!hasEtcd)(`three members of Debian's etcd, one of which hangs${NO_ETCD}`, () => {
  let etcd: RealEtcd;
  let client: KeyValueClient;

  beforeAll(async () => {
    etcd = await startRealEtcd(3);
    client = connect({ endpoints: etcd.endpoints, timeoutMs: 3000 });
  }, 30_000);
  afterAll(async () => {
    await client.close();
    await etcd[Symbol.asyncDispose]();
  });

  test.each([0, 1, 2])(
    "stopping member %i holds up neither reads, writes nor watches",
    async (i) => {
      const { revision } = await client.put(`hang${i}/start`, "0");
      const abort = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        const watch = client.watch(`hang${i}/`, {
          prefix: true,
          startRevision: revision + 1,
          signal: abort.signal,
        });
        for await (const { events } of watch) seen.push(...events.map(({ kv }) => text(kv.value)));
      })();
      etcd.processes[i]?.kill("SIGSTOP");
      try {
        const acknowledged: string[] = [];
        for (let n = 1; n <= 20; n++) {
          try {
            await client.put(`hang${i}/${n}`, `${n}`);
            acknowledged.push(`${n}`);
          } catch (error) {
            // Only a write that was under way when the server stopped, or its leader.
            if (!KvError.is(error) || error.status !== "Unavailable") throw error;
          }
          expect(await client.get(`hang${i}/start`)).not.toBeNull();
        }
        expect(acknowledged.length).toBeGreaterThanOrEqual(17);
        await expect
          .poll(() => seen, { timeout: 8000 })
          .toEqual(expect.arrayContaining(acknowledged));
        expect(new Set(seen).size).toBe(seen.length);
      } finally {
        etcd.processes[i]?.kill("SIGCONT");
        abort.abort();
        await watching;
      }
    },
    40_000,
  );
});
