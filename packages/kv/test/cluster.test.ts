import { Buffer } from "node:buffer";
import { once } from "node:events";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type KeyValueClient } from "../src/client/index.js";
import type { WatchBatch } from "../src/index.js";
import { KvError } from "../src/index.js";
import { type Cluster, startCluster } from "./support/cluster.js";

const text = (value: Uint8Array): string => Buffer.from(value).toString();

/** How a watch ends that wants a leader, at a member that has none (any more). */
async function endOfWatch(endpoint: string): Promise<string> {
  const raw = new Client(new URL(endpoint).host, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  const identity = (bytes: Buffer): Buffer => bytes;
  const path = "/etcdserverpb.Watch/Watch";
  const stream = raw.makeBidiStreamRequest(path, identity, identity, metadata);
  stream.resume();
  const [error] = (await once(stream, "error").catch((thrown: unknown) => [thrown])) as [Error];
  raw.close();
  return error.message;
}

describe("three members", () => {
  let cluster: Cluster;
  let client: KeyValueClient;

  beforeAll(async () => {
    cluster = await startCluster(3);
    client = connect({ endpoints: cluster.endpoints, timeoutMs: 10_000 });
  });
  afterAll(async () => {
    await client.close();
    await cluster[Symbol.asyncDispose]();
  });

  /** Stops the member, runs, and starts it again. */
  const without = async (i: number, run: () => Promise<void>): Promise<void> => {
    await cluster.members[i]?.stop();
    try {
      await run();
    } finally {
      await cluster.restart(i);
    }
  };
  const leaderIndex = async (): Promise<number> => cluster.members.indexOf(await cluster.leader());

  test("a write at one member is read at every other at once", async () => {
    for (const [i, member] of cluster.members.entries()) {
      await member.local.put("where", `${i}`);
      for (const other of cluster.members) {
        expect(text((await other.local.get("where"))?.value ?? Buffer.alloc(0))).toBe(`${i}`);
      }
    }
  });

  test("every member knows all names and client URLs", async () => {
    const known = (): unknown =>
      cluster.members.map((member) =>
        member
          .status()
          .members.map(({ name }) => name)
          .sort(),
      );
    await expect.poll(known).toEqual(Array.from({ length: 3 }, () => ["m0", "m1", "m2"]));
    const { members, clusterId } = await client.members();
    expect(clusterId).toBe(cluster.members[0]?.clusterId);
    expect(members.flatMap(({ clientUrls }) => clientUrls).sort()).toEqual(
      [...cluster.endpoints].sort(),
    );
  });

  test("a watch goes on without gaps or doubles while each member is restarted in turn", async () => {
    const { revision } = await client.put("seq/0", "0");
    const seen: string[] = [];
    const abort = new AbortController();
    const batches: WatchBatch[] = [];
    const watching = (async () => {
      const watch = client.watch("seq/", {
        prefix: true,
        startRevision: revision,
        signal: abort.signal,
      });
      for await (const batch of watch) {
        batches.push(batch);
        seen.push(...batch.events.map(({ kv }) => text(kv.value)));
      }
    })();
    let n = 0;
    const write = async (): Promise<void> => {
      n += 1;
      // A write whose fate is unknown is made again: the watch may then show it twice, at two revisions.
      await client.put(`seq/${n}`, `${n}`).catch(() => client.put(`seq/${n}`, `${n}`));
    };
    for (let i = 0; i < 3; i++) {
      await without(i, async () => {
        for (let k = 0; k < 5; k++) await write();
      });
      await cluster.members[i]?.ready();
      await write();
    }
    await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe(`${n}`);
    abort.abort();
    await watching;
    expect([...new Set(seen)]).toEqual(Array.from({ length: n + 1 }, (_, i) => `${i}`));
    const revisions = batches.flatMap((batch) => batch.events.map(({ kv }) => kv.modRevision));
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });

  test("the leader stops: writes go on, leases live on, and nothing acknowledged is lost", async () => {
    const { id } = await client.leaseGrant(5);
    await client.put("leased", "x", { lease: id });
    const acknowledged: string[] = [];
    await without(await leaderIndex(), async () => {
      for (let i = 0; i < 20; i++) {
        try {
          await client.put(`kept/${i}`, "x");
          acknowledged.push(`kept/${i}`);
        } catch (error) {
          if (!KvError.is(error) || error.status !== "Unavailable") throw error;
        }
        expect(await client.leaseKeepAlive(id)).toBe(5);
      }
      const { kvs } = await client.range("kept/", { prefix: true });
      const keys = kvs.map(({ key }) => text(key));
      expect(keys).toEqual(expect.arrayContaining(acknowledged));
      expect(acknowledged.length).toBeGreaterThan(15);
      expect(await client.get("leased")).not.toBeNull();
    });
    await client.leaseRevoke(id);
  });

  test("all members have the same hash at the same revision", async () => {
    const { revision } = await client.put("last", "x");
    await Promise.all(cluster.members.map((member) => member.local.get("last")));
    // The connection to a member that was just restarted may still be in its pause.
    const hashes = (): Promise<number[]> =>
      Promise.all(
        cluster.endpoints.map(async (endpoint) => (await client.hashKv(endpoint, revision)).hash),
      );
    await expect
      .poll(() => hashes().catch(() => []), { timeout: 5000 })
      .toSatisfy((all: number[]) => all.length === 3 && new Set(all).size === 1);
  });

  test("without a quorum: no leader for who asks for one, stale reads only where asked", async () => {
    const [survivor, ...others] = [...cluster.members];
    await client.put("before", "x");
    await survivor?.local.get("before");
    const watchEnded = endOfWatch(cluster.endpoints[0] as string);
    await Promise.all(others.map((member) => member.stop()));
    await using alone = connect({ endpoints: [cluster.endpoints[0] as string], timeoutMs: 1500 });
    expect(await alone.range("before", { serializable: true })).toMatchObject({ count: 1 });
    await expect(alone.get("before")).rejects.toMatchObject({ status: "Unavailable" });
    await expect(alone.put("during", "x")).rejects.toMatchObject({ status: "Unavailable" });
    await expect
      .poll(async () => (await alone.status(cluster.endpoints[0] as string)).leader)
      .toBe(0n);
    expect(await watchEnded).toContain("no leader");
    await Promise.all([cluster.restart(1), cluster.restart(2)]);
    await client.put("after", "x");
    expect(await client.get("after")).not.toBeNull();
  });
});
