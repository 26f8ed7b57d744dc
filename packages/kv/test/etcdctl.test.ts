import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, startCluster } from "./support/cluster.js";
import { ETCDCTL, etcdctl, hasEtcdctl, NO_ETCDCTL } from "./support/etcd.js";
import { temporaryDirectory } from "./support/temporary.js";

interface EndpointStatus {
  readonly Endpoint: string;
  readonly Status: { readonly header: { readonly member_id: string }; readonly leader: string };
}

/** IDs have 64 bits, more than a number holds. */
function parseStatuses(json: string): EndpointStatus[] {
  return JSON.parse(json.replace(/"(leader|member_id)":(\d+)/g, '"$1":"$2"')) as EndpointStatus[];
}

describe.skipIf(!hasEtcdctl).each([1, 3])(`etcdctl against %i member(s)${NO_ETCDCTL}`, (size) => {
  let cluster: Cluster;
  const ctl = (...args: string[]): Promise<string> => etcdctl(addresses, ...args);

  /** Without a scheme: etcdctl 3.4 puts one into `:authority`, which Node's HTTP/2 refuses. */
  let addresses: readonly string[];

  beforeAll(async () => {
    cluster = await startCluster(size);
    addresses = [...cluster.endpoints];
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  test("put, get, del", async () => {
    expect(await ctl("put", "foo", "bar")).toBe("OK\n");
    expect(await ctl("get", "foo")).toBe("foo\nbar\n");
    expect(await ctl("put", "foo", "baz", "--prev-kv")).toBe("OK\nfoo\nbar\n");
    await ctl("put", "foo2", "x");
    expect(await ctl("get", "foo", "--prefix", "--keys-only", "--order=DESCEND")).toBe(
      "foo2\n\nfoo\n\n",
    );
    expect(await ctl("del", "foo", "--prefix")).toBe("2\n");
    expect(await ctl("get", "foo", "--prefix")).toBe("");
  });

  test("watch", async () => {
    const child = spawn(
      ETCDCTL,
      [`--endpoints=${addresses.join()}`, "watch", "--rev=1", "--prefix", "watched/"],
      { env: { ...process.env, ETCDCTL_API: "3" }, stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      const lines: string[] = [];
      await ctl("put", "watched/a", "1");
      await ctl("del", "watched/a");
      for await (const line of createInterface(child.stdout)) {
        lines.push(line);
        if (lines.length === 5) break;
      }
      expect(lines).toEqual(["PUT", "watched/a", "1", "DELETE", "watched/a"]);
    } finally {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    }
  });

  test("lease grant, keep-alive at every member, timetolive, list, revoke", async () => {
    const id = / (\w+) granted/.exec(await ctl("lease", "grant", "60"))?.[1] as string;
    await ctl("put", "leased", "x", `--lease=${id}`);
    for (const endpoint of addresses) {
      const kept = await etcdctl([endpoint], "lease", "keep-alive", "--once", id);
      expect(kept).toContain("keepalived with TTL(60)");
      const left = await etcdctl([endpoint], "lease", "timetolive", id, "--keys");
      expect(left).toMatch(
        /granted with TTL\(60s\), remaining\((59|60)s\), attached keys\(\[leased\]\)/,
      );
      expect(await etcdctl([endpoint], "lease", "list")).toContain(id);
    }
    expect(await ctl("lease", "revoke", id)).toContain("revoked");
    expect(await ctl("get", "leased")).toBe("");
    expect(await ctl("lease", "timetolive", id)).toContain("already expired");
  });

  test("txn", async () => {
    await ctl("put", "balance", "10");
    const output = await new Promise<string>((resolve, reject) => {
      const child = spawn(ETCDCTL, [`--endpoints=${addresses.join()}`, "txn"], {
        env: { ...process.env, ETCDCTL_API: "3" },
      });
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += String(chunk);
      });
      child.on("exit", (code) => (code === 0 ? resolve(text) : reject(new Error(`exit ${code}`))));
      child.stdin.end('value("balance") = "10"\n\nput balance 9\nget balance\n\nget balance\n\n');
    });
    expect(output).toContain("SUCCESS");
    expect(output).toContain("balance\n9");
  });

  test("compaction, and what it makes unreadable", async () => {
    await ctl("put", "old", "1");
    await ctl("put", "old", "2");
    const { header } = JSON.parse(await ctl("get", "old", "-w=json")) as {
      header: { revision: number };
    };
    expect(await ctl("compaction", String(header.revision), "--physical")).toContain("compacted");
    await expect(ctl("get", "old", `--rev=${header.revision - 1}`)).rejects.toThrow(
      "mvcc: required revision has been compacted",
    );
    await expect(ctl("compaction", String(header.revision))).rejects.toThrow("has been compacted");
    await expect(ctl("watch", "old", "--rev=1")).rejects.toThrow("has been compacted");
  });

  test("endpoint status, health and hashkv; member list; defrag; alarm list", async () => {
    const statuses = parseStatuses(await ctl("endpoint", "status", "-w=json"));
    expect(statuses).toHaveLength(size);
    expect(new Set(statuses.map(({ Status }) => Status.leader)).size).toBe(1);
    await ctl("endpoint", "health");
    const hashes = JSON.parse(await ctl("endpoint", "hashkv", "-w=json")) as {
      HashKV: { hash: number };
    }[];
    expect(new Set(hashes.map(({ HashKV }) => HashKV.hash)).size).toBe(1);
    await expect
      .poll(async () => (await ctl("member", "list")).match(/started, m\d, /g)?.length)
      .toBe(size);
    expect(await ctl("defrag")).toContain("Finished defragmenting");
    expect(await ctl("alarm", "list")).toBe("");
  });

  test.runIf(size > 1)("move-leader, asked of the leader", async () => {
    const statuses = parseStatuses(await ctl("endpoint", "status", "-w=json"));
    const leader = statuses.find(({ Status }) => Status.leader === Status.header.member_id);
    const other = statuses.find(({ Status }) => Status.leader !== Status.header.member_id);
    const target = BigInt(other?.Status.header.member_id ?? 0).toString(16);
    await expect(etcdctl([other?.Endpoint ?? ""], "move-leader", target)).rejects.toThrow();
    const moved = await etcdctl([leader?.Endpoint ?? ""], "move-leader", target);
    expect(moved).toContain("Leadership transferred");
  });

  test("snapshot save", async () => {
    await using directory = await temporaryDirectory();
    const file = `${directory.path}/snapshot.db`;
    const saved = await etcdctl([addresses[0] as string], "snapshot", "save", file);
    expect(saved).toContain("Snapshot saved");
    const bytes = await readFile(file);
    const digest = createHash("sha256").update(bytes.subarray(0, -32)).digest();
    expect(digest.equals(bytes.subarray(-32))).toBe(true);
  });

  test("lock", async () => {
    expect(await ctl("lock", "a-lock", "echo", "held")).toContain("held");
  });
});
