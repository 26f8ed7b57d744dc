import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlotillaCluster, waitFor } from "../src/index.js";
import { type RunResult, run } from "./run.js";
import { ETCDCTL, has } from "./support.js";

/** Debian's etcdctl (package etcd-client) against the store of a three-member cluster. */
describe.skipIf(!has(ETCDCTL))("etcdctl against three members", () => {
  let directory: string;
  let cluster: FlotillaCluster;

  const etcdctl = (...args: string[]): Promise<RunResult> =>
    run(ETCDCTL, ["--endpoints", cluster.clientUrls.join(","), ...args], {
      env: { ETCDCTL_API: "3" },
    });

  const withInput = (input: string, ...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(ETCDCTL, ["--endpoints", cluster.clientUrls.join(","), ...args], {
        env: { ...process.env, ETCDCTL_API: "3" },
        stdio: ["pipe", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      child.once("error", reject);
      child.once("close", () => resolve(text));
      child.stdin.end(input);
    });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "flotilla-etcdctl-"));
    cluster = await FlotillaCluster.start({ directory });
  });

  afterAll(async () => {
    await cluster.stopAll();
    rmSync(directory, { recursive: true, force: true });
  });

  it("puts, gets and deletes", async () => {
    expect(await etcdctl("put", "a", "1")).toMatchObject({ code: 0, stdout: "OK\n" });
    expect((await etcdctl("get", "a")).stdout).toBe("a\n1\n");
    expect((await etcdctl("put", "--prev-kv", "a", "2")).stdout).toBe("OK\na\n1\n");
    await etcdctl("put", "ab", "3");
    expect((await etcdctl("get", "--prefix", "--keys-only", "a")).stdout).toBe("a\n\nab\n\n");
    expect((await etcdctl("del", "--prefix", "a")).stdout).toBe("2\n");
  });

  it("watches history and what comes", async () => {
    await etcdctl("put", "w", "1");
    const watch = spawn(
      ETCDCTL,
      ["--endpoints", cluster.clientUrls.join(","), "watch", "--rev=1", "w"],
      { env: { ...process.env, ETCDCTL_API: "3" }, stdio: ["ignore", "pipe", "inherit"] },
    );
    let seen = "";
    watch.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      seen += chunk;
    });
    try {
      await waitFor("history", () => seen === "PUT\nw\n1\n");
      await etcdctl("put", "w", "2");
      await etcdctl("del", "w");
      await waitFor("new events", () => seen === "PUT\nw\n1\nPUT\nw\n2\nDELETE\nw\n\n");
    } finally {
      watch.kill();
    }
  });

  it("grants, keeps and revokes leases", async () => {
    const granted = (await etcdctl("lease", "grant", "60")).stdout;
    const id = /^lease ([0-9a-f]+) granted with TTL\(60s\)/.exec(granted)?.[1] ?? "";
    expect((await etcdctl("put", "--lease", id, "leased", "x")).stdout).toBe("OK\n");
    expect((await etcdctl("lease", "timetolive", "--keys", id)).stdout).toMatch(
      /granted with TTL\(60s\), remaining\(\d+s\), attached keys\(\[leased\]\)/,
    );
    expect((await etcdctl("lease", "keep-alive", "--once", id)).stdout).toMatch(
      /keepalived with TTL\(60\)/,
    );
    expect((await etcdctl("lease", "list")).stdout).toContain(id);
    expect((await etcdctl("lease", "revoke", id)).stdout).toBe(`lease ${id} revoked\n`);
    expect((await etcdctl("get", "leased")).stdout).toBe("");
  });

  it("expires a lease with its keys", async () => {
    const granted = (await etcdctl("lease", "grant", "2")).stdout;
    const id = /^lease ([0-9a-f]+)/.exec(granted)?.[1] ?? "";
    await etcdctl("put", "--lease", id, "short", "x");
    await waitFor("the key to go", async () => (await etcdctl("get", "short")).stdout === "");
  });

  it("runs transactions", async () => {
    await etcdctl("put", "t", "1");
    const text = 'value("t") = "1"\n\nput t 2\n\nput t 3\n\n';
    expect(await withInput(text, "txn", "-i=false")).toMatch(/SUCCESS\s+OK/);
    expect((await etcdctl("get", "t")).stdout).toBe("t\n2\n");
    expect(await withInput(text, "txn", "-i=false")).toMatch(/FAILURE\s+OK/);
    expect((await etcdctl("get", "t")).stdout).toBe("t\n3\n");
  });

  it("compacts", async () => {
    const before = JSON.parse((await etcdctl("put", "c", "1", "-w", "json")).stdout);
    await etcdctl("put", "c", "2");
    await etcdctl("put", "c", "3");
    const revision: number = before.header.revision + 1;
    expect((await etcdctl("compaction", String(revision))).stdout).toBe(
      `compacted revision ${revision}\n`,
    );
    const old = await etcdctl("get", "c", `--rev=${before.header.revision}`);
    expect(old.code).not.toBe(0);
    expect(old.stderr).toContain("required revision has been compacted");
  });

  it("tells every endpoint's status, and the members", async () => {
    const status = JSON.parse((await etcdctl("endpoint", "status", "-w", "json")).stdout) as {
      Status: { header: { member_id: number }; leader: number; raftIndex: number };
    }[];
    expect(status).toHaveLength(3);
    expect(new Set(status.map(({ Status }) => Status.leader)).size).toBe(1);
    const members = JSON.parse((await etcdctl("member", "list", "-w", "json")).stdout);
    expect(members.members.map((member: { name: string }) => member.name).sort()).toEqual([
      "n1",
      "n2",
      "n3",
    ]);
    expect((await etcdctl("endpoint", "health")).code).toBe(0);
  });
});
