import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ForcedStore, MemberOptions, StoreMember } from "../src/index.js";
import { startMember } from "../src/index.js";
import { etcdctl, hasEtcdctl, NO_ETCDCTL } from "./support/etcd.js";
import { freePorts, temporaryDirectory } from "./support/temporary.js";

const NAMES = ["a", "b", "c"] as const;
type Name = (typeof NAMES)[number];

describe("a cluster whose majority is lost", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let ports: number[];
  const running: StoreMember[] = [];
  const url = (port: number | undefined): string => `http://127.0.0.1:${port}`;
  const client = (name: Name): string => url(ports[NAMES.indexOf(name)]);
  const peer = (name: Name): string => url(ports[3 + NAMES.indexOf(name)]);
  const folder = (name: string): string => join(directory.path, name);

  const start = async (name: Name, more: MemberOptions = {}): Promise<StoreMember> => {
    const member = await startMember({
      name,
      storage: { directory: folder(name) },
      listenClientUrls: [client(name)],
      listenPeerUrls: [peer(name)],
      initialCluster: Object.fromEntries(NAMES.map((one) => [one, [peer(one)]])),
      heartbeatMs: 50,
      electionMs: 500,
      snapshotCount: 20,
      ...more,
    });
    running.push(member);
    return member;
  };
  const force = async (): Promise<{ member: StoreMember; told: ForcedStore[] }> => {
    const told: ForcedStore[] = [];
    const onForced = (forced: ForcedStore): void => void told.push(forced);
    const member = await start("a", { forceNewCluster: true, onForced });
    await member.ready();
    return { member, told };
  };

  /** Three members with data, of which `a` has all. */
  let clusterId: bigint;
  let revision: number;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    ports = await freePorts(7);
    const members = await Promise.all(NAMES.map((name) => start(name)));
    await Promise.all(members.map((member) => member.ready()));
    for (let n = 0; n < 30; n++) await members[n % 3]!.local.put(`key-${n}`, `value-${n}`);
    ({ revision } = await members[0]!.local.delete("key-7"));
    clusterId = members[0]!.clusterId;
    await expect.poll(() => members[0]!.status().revision).toBe(revision);
    await expect
      .poll(() => members[0]!.status().members.every(({ clientUrls }) => clientUrls.length > 0))
      .toBe(true);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((member) => member.stop()));
    await directory[Symbol.asyncDispose]();
  });
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((member) => member.stop()));
  };

  test("goes on from the last member: all data, no revision goes back, new ones join, old are refused", async () => {
    await stopAll();
    const { member, told } = await force();
    expect(told).toMatchObject([{ done: true, clusterId: member.clusterId }]);
    expect(told[0]!.removed.map(({ name }) => name).sort()).toEqual(["b", "c"]);
    expect(member.clusterId).not.toBe(clusterId);
    expect(member.status().members.map(({ name }) => name)).toEqual(["a"]);
    const { count, revision: read } = await member.local.range("key-", { prefix: true });
    expect(count).toBe(29);
    expect(read).toBeGreaterThanOrEqual(revision);
    expect((await member.local.put("after", "1")).revision).toBe(read + 1);

    const refused: string[] = [];
    const old = await start("b", { onPeerRefused: ({ message }) => void refused.push(message) });
    await expect.poll(() => refused.join(), { timeout: 10_000 }).toMatch(/cluster/);
    expect(old.status().leader).toBe(0n);
    expect(member.status().members.map(({ name }) => name)).toEqual(["a"]);
  });

  test.skipIf(!hasEtcdctl)(`takes new members${NO_ETCDCTL}`, async () => {
    await stopAll();
    const { member } = await force();
    const listen = url(ports[6]);
    const host = new URL(client("a")).host;
    await etcdctl([host], "member", "add", "d", `--peer-urls=${listen}`);
    const joiner = await startMember({
      name: "d",
      storage: { directory: folder("d") },
      listenPeerUrls: [listen],
      advertisePeerUrls: [listen],
      initialClusterState: "existing",
      joinEndpoints: [client("a")],
      heartbeatMs: 50,
      electionMs: 500,
    });
    running.push(joiner);
    await joiner.ready();
    expect(joiner.clusterId).toBe(member.clusterId);
    await expect
      .poll(
        async () => (await joiner.local.range("key-", { prefix: true }).catch(() => null))?.count,
      )
      .toBe(29);
    await joiner.local.put("from-d", "1");
    expect(await member.local.get("from-d")).not.toBeNull();
  });

  test("is done once, however long the flag stays, and again after a start without it", async () => {
    await stopAll();
    const first = (await force()).member.clusterId;
    await stopAll();
    const left = await force();
    expect(left.told).toMatchObject([{ done: false, clusterId: first, removed: [] }]);
    expect(left.member.clusterId).toBe(first);
    await stopAll();
    const plain = await start("a");
    await plain.ready();
    expect(plain.clusterId).toBe(first);
    await stopAll();
    const again = await force();
    expect(again.told[0]!.done).toBe(true);
    expect(again.member.clusterId).not.toBe(first);
    expect((await again.member.local.range("key-", { prefix: true })).count).toBe(29);
  });

  test("is not left while a majority serves", async () => {
    await running.find(({ name }) => name === "a")!.stop();
    await expect(force()).rejects.toMatchObject({
      code: "invalid-options",
      message: expect.stringContaining("has a majority and serves at"),
    });
    const back = await start("a");
    await back.ready();
    expect(back.clusterId).toBe(clusterId);
  });

  test("is finished after a crash between, with or without the flag", async () => {
    await stopAll();
    const file = join(folder("a"), "member.json");
    const identity = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...identity, forcing: "123456" }));
    const begun = await start("a");
    await begun.ready();
    expect(begun.clusterId).toBe(123456n);
    await stopAll();
    // The other crash: the log is the new cluster's, and the identity does not say so yet.
    writeFileSync(file, JSON.stringify({ ...identity, forcing: "123456" }));
    const done = await start("a");
    await done.ready();
    expect(done.clusterId).toBe(123456n);
    expect((await done.local.range("key-", { prefix: true })).count).toBe(29);
    expect(JSON.parse(readFileSync(file, "utf8")).forcing).toBeUndefined();
  });

  test("is refused where there is damage, and then nothing is changed", async () => {
    await stopAll();
    const log = join(folder("a"), "log");
    const segment = join(log, readdirSync(log).sort()[0]!);
    const bytes = readFileSync(segment);
    bytes[520]! ^= 1;
    writeFileSync(segment, bytes);
    const before = readFileSync(join(folder("a"), "member.json"), "utf8");
    await expect(force()).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringMatching(/\.wal: offset \d+/),
    });
    expect(readFileSync(join(folder("a"), "member.json"), "utf8")).toBe(before);
    expect(readFileSync(segment).equals(bytes)).toBe(true);
  });
});
