import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StoreMember } from "../src/index.js";
import { startMember } from "../src/index.js";
import { type Cluster, startCluster } from "./support/cluster.js";
import { etcdctl, hasEtcdctl, NO_ETCDCTL } from "./support/etcd.js";
import { freePorts, temporaryDirectory } from "./support/temporary.js";

describe.skipIf(!hasEtcdctl)(`members that come and go${NO_ETCDCTL}`, () => {
  let cluster: Cluster;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let peerUrl: string;
  const ctl = (...args: string[]): Promise<string> =>
    etcdctl(
      cluster.endpoints.map((url) => new URL(url).host),
      ...args,
    );

  beforeEach(async () => {
    cluster = await startCluster(1);
    directory = await temporaryDirectory();
    const [port] = await freePorts(1);
    peerUrl = `http://127.0.0.1:${port}`;
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const join = (): Promise<StoreMember> =>
    startMember({
      name: "joiner",
      storage: { directory: directory.path },
      listenPeerUrls: [peerUrl],
      advertisePeerUrls: [peerUrl],
      initialClusterState: "existing",
      joinEndpoints: cluster.endpoints,
      heartbeatMs: 50,
      electionMs: 500,
    });

  test("a learner is sent everything, answers only what a learner may, and is promoted", async () => {
    await cluster.members[0]?.local.put("before", "1");
    const added = await ctl("member", "add", "joiner", "--learner", `--peer-urls=${peerUrl}`);
    const id = /Member\s+(\w+) added/.exec(added)?.[1] as string;
    await expect(ctl("member", "add", "x", `--peer-urls=${peerUrl}`)).rejects.toThrow(
      "Peer URLs already exists",
    );
    await using joiner = await join();
    await joiner.ready();
    expect(joiner.memberId.toString(16)).toBe(id);
    await expect
      .poll(async () => (await joiner.local.range("before", { serializable: true })).count)
      .toBe(1);
    await expect(joiner.local.get("before")).rejects.toMatchObject({
      code: "learner-not-supported",
    });
    await expect(joiner.local.put("a", "1")).rejects.toMatchObject({
      code: "learner-not-supported",
    });
    expect(await ctl("member", "promote", id)).toContain("promoted");
    await expect.poll(() => joiner.local.get("before").catch(() => null)).not.toBeNull();
    await expect(ctl("member", "promote", id)).rejects.toThrow("can only promote a learner");
    await joiner.local.put("after", "1");
    expect(await cluster.members[0]?.local.get("after")).not.toBeNull();
  });

  test("a member that was not added is told to be", async () => {
    await expect(join()).rejects.toMatchObject({
      code: "member-not-found",
      message: expect.stringContaining("etcdctl member add joiner"),
    });
  });

  test("a member is added, restarted from its directory, and removed", async () => {
    const added = await ctl("member", "add", "joiner", `--peer-urls=${peerUrl}`);
    const id = /Member\s+(\w+) added/.exec(added)?.[1] as string;
    const first = await join();
    await first.ready();
    await first.local.put("a", "1");
    await first.stop();
    const again = await join();
    await again.ready();
    expect(again.memberId.toString(16)).toBe(id);
    expect(await again.local.get("a")).not.toBeNull();
    expect(await ctl("member", "remove", id)).toContain("removed");
    await again.stop();
    expect(await ctl("get", "a", "--print-value-only")).toBe("1\n");
    await expect(ctl("member", "remove", id)).rejects.toThrow("member not found");
  });
});
