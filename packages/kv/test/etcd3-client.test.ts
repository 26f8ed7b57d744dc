import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, startCluster } from "./support/cluster.js";

describe.each([1, 3])("the npm client etcd3, unchanged, against %i member(s)", (size) => {
  let cluster: Cluster;
  let client: Etcd3;

  beforeAll(async () => {
    cluster = await startCluster(size);
    client = new Etcd3({ hosts: [...cluster.endpoints] });
  });
  afterAll(async () => {
    client.close();
    await cluster[Symbol.asyncDispose]();
  });

  test("put, get, delete", async () => {
    await client.put("foo").value("bar");
    expect(await client.get("foo").string()).toBe("bar");
    await client.put("n").value("17");
    expect(await client.get("n").number()).toBe(17);
    expect(await client.getAll().prefix("f").strings()).toEqual({ foo: "bar" });
    expect(await client.delete().key("foo")).toMatchObject({ deleted: "1" });
    expect(await client.get("foo")).toBeNull();
  });

  test("watch", async () => {
    const watcher = await client.watch().prefix("seen/").create();
    const seen = new Promise<string[]>((resolve) => {
      const events: string[] = [];
      const add = (event: string): void => {
        if (events.push(event) === 2) resolve(events);
      };
      watcher.on("put", (kv) => add(`put ${kv.key}=${kv.value}`));
      watcher.on("delete", (kv) => add(`delete ${kv.key}`));
    });
    await client.put("seen/a").value("1");
    await client.delete().key("seen/a");
    expect(await seen).toEqual(["put seen/a=1", "delete seen/a"]);
    await watcher.cancel();
  });

  test("lease", async () => {
    const lease = client.lease(10);
    await lease.put("leased").value("x");
    expect(await client.get("leased").string()).toBe("x");
    await lease.keepaliveOnce();
    await lease.revoke();
    expect(await client.get("leased")).toBeNull();
  });

  test("lock", async () => {
    const held = client.lock("a lock");
    await held.acquire();
    await expect(client.lock("a lock").acquire()).rejects.toThrow();
    await held.release();
    expect(await client.lock("a lock").do(async () => "done")).toBe("done");
  });

  test("election", async () => {
    const election = client.election("chief", 5);
    const campaign = election.campaign("first");
    await new Promise<void>((resolve, reject) => {
      campaign.on("elected", resolve);
      campaign.on("error", reject);
    });
    expect(await election.leader()).toBe("first");
    await campaign.resign();
  });

  test("txn", async () => {
    await client.put("balance").value("1");
    const result = await client
      .if("balance", "Value", "==", "1")
      .then(client.put("balance").value("2"))
      .else(client.get("balance"))
      .commit();
    expect(result.succeeded).toBe(true);
    expect(await client.get("balance").string()).toBe("2");
  });
});
