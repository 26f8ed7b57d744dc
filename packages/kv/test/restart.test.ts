import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { startMember } from "../src/index.js";
import { freePorts, temporaryDirectory } from "./support/temporary.js";

test("a member finds its data, its leases and its identity again", async () => {
  await using directory = await temporaryDirectory();
  const storage = { directory: directory.path };
  const first = await startMember({ storage });
  await first.ready();
  const { id } = await first.local.leaseGrant(60);
  await first.local.put("a", "1", { lease: id });
  const { memberId, clusterId } = first;
  await first.stop();
  await using second = await startMember({ storage });
  await second.ready();
  expect(second).toMatchObject({ memberId, clusterId });
  expect(await second.local.get("a")).toMatchObject({ version: 1, lease: id });
  expect(await second.local.leaseKeepAlive(id)).toBe(60);
  await expect
    .poll(() => second.status().members)
    .toMatchObject([{ peerUrls: second.peerUrls, clientUrls: second.clientUrls }]);
});

test("a directory of another cluster or member is refused, with the file and the mend", async () => {
  await using directory = await temporaryDirectory();
  const storage = { directory: directory.path };
  const member = await startMember({ storage, clusterToken: "one", name: "a" });
  await member.stop();
  await expect(startMember({ storage, clusterToken: "two", name: "a" })).rejects.toMatchObject({
    code: "wrong-cluster",
    message: expect.stringMatching(/member\.json is of the cluster with token "one".*empty/s),
  });
  await expect(startMember({ storage, clusterToken: "one", name: "b" })).rejects.toMatchObject({
    code: "wrong-cluster",
    message: expect.stringContaining('is of the member "a", not of "b"'),
  });
  const elsewhere = { b: ["http://127.0.0.1:1"], a: ["http://127.0.0.1:2"] };
  await expect(
    startMember({ storage, clusterToken: "one", name: "a", initialCluster: elsewhere }),
  ).rejects.toMatchObject({ code: "wrong-cluster" });
});

test("a damaged identity is refused", async () => {
  await using directory = await temporaryDirectory();
  const storage = { directory: directory.path };
  await (await startMember({ storage })).stop();
  const file = `${directory.path}/member.json`;
  await writeFile(file, (await readFile(file, "utf8")).slice(0, 20));
  await expect(startMember({ storage })).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringContaining(file),
  });
});

test("an address in use is named, for clients and for peers, and nothing stays open", async () => {
  await using holder = await startMember();
  const client = holder.clientUrls[0] as string;
  const peer = holder.peerUrls[0] as string;
  const [port] = await freePorts(1);
  const free = `http://127.0.0.1:${port}`;
  await expect(startMember({ listenClientUrls: [client] })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(new URL(client).host),
  });
  await expect(
    startMember({ listenClientUrls: [free], listenPeerUrls: [peer] }),
  ).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(new URL(peer).host),
  });
  await using _again = await startMember({ listenClientUrls: [free] });
});

test("options that cannot be are refused by name", async () => {
  const refused = (options: Parameters<typeof startMember>[0]): Promise<unknown> =>
    startMember(options).catch((error: unknown) => error);
  expect(await refused({ initialCluster: { other: ["http://127.0.0.1:1"] } })).toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining('"default" is not in the initial cluster (other)'),
  });
  expect(await refused({ listenClientUrls: ["https://127.0.0.1:1"] })).toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining("clientTls"),
  });
  expect(await refused({ heartbeatMs: 100, electionMs: 200 })).toMatchObject({
    code: "invalid-options",
  });
});

test("a store beyond its quota takes reads and deletions only", async () => {
  await using store = await startMember({ quotaBytes: 64 * 1024 });
  await store.ready();
  await store.local.put("a", Buffer.alloc(40 * 1024));
  await expect(store.local.put("b", Buffer.alloc(40 * 1024))).rejects.toMatchObject({
    code: "no-space",
  });
  await expect(store.local.leaseGrant(10)).resolves.toBeDefined();
  expect((await store.local.delete("a")).deleted).toBe(1);
});
