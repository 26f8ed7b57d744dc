import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { connect } from "@flotilla/kv/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { FLOTILLAD, FlotillaCluster, waitFor } from "../src/index.js";
import { run } from "./run.js";
import { temporaryDirectory, untilFinished } from "./support.js";

const flotillad = (...args: string[]) =>
  run(process.execPath, [FLOTILLAD, ...args], { timeoutMs: 40_000 });

describe("flotillad refuses", () => {
  it("an unknown option and a bad value, with exit code 2", async () => {
    const unknown = await flotillad("--colour=red");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("--colour");
    const bad = await flotillad("--cluster-id=a cluster!");
    expect(bad.code).toBe(2);
    expect(bad.stderr).toMatch(/--cluster-id: "a cluster!" must be/);
    expect(bad.stderr).toMatch(/mend: /);
  });

  it("a port in use, naming address and option", async () => {
    const cluster = untilFinished(
      await FlotillaCluster.start({ directory: temporaryDirectory(), members: 1 }),
    );
    const [member] = cluster.members;
    for (const [option, port] of [
      ["listen-api", member?.ports.api],
      ["listen-client", member?.ports.client],
      ["listen-peer", member?.ports.peer],
    ]) {
      const taken = await flotillad(
        "--dev",
        `--data-dir=${temporaryDirectory()}`,
        `--${option}=127.0.0.1:${port}`,
      );
      expect(taken.code, `${option}`).toBe(1);
      expect(taken.stderr).toContain(`127.0.0.1:${port}`);
    }
  });

  it("a peer of another cluster, naming the mend", async () => {
    const directory = temporaryDirectory();
    const cluster = untilFinished(await FlotillaCluster.start({ directory }));
    const [first, second, third] = cluster.members;
    await third?.stop();
    const peers = cluster.members.map(
      ({ name, ports }) => `${name}=http://127.0.0.1:${ports.peer}`,
    );
    const stranger = await flotillad(
      "--dev",
      "--name=n3",
      "--cluster-id=other",
      `--data-dir=${temporaryDirectory()}`,
      `--initial-cluster=${peers.join(",")}`,
      `--listen-peer=127.0.0.1:${third?.ports.peer}`,
    );
    expect(stranger.code).toBe(1);
    expect(stranger.stderr).toMatch(/cluster/);
    expect(stranger.stderr).toMatch(/mend: members of one cluster have the same --cluster-id/);
    for (const member of [first, second]) expect(member?.running).toBe(true);
    await first?.ready();
  });

  it("options that would send other machines to themselves", async () => {
    const cluster = "--initial-cluster=a=http://10.9.8.7:2380,b=http://10.9.8.6:2380";
    const noAddress = await flotillad("--dev", "--name=a", cluster);
    expect(noAddress).toMatchObject({ code: 1 });
    expect(noAddress.stderr).toContain("--public-ip");
    const loopback = await flotillad("--dev", "--name=a", cluster, "--public-ip=10.9.8.7");
    expect(loopback).toMatchObject({ code: 1 });
    expect(loopback.stderr).toContain("--listen-api");
  });

  it("a data directory of another cluster or another process", async () => {
    const directory = temporaryDirectory();
    const cluster = untilFinished(await FlotillaCluster.start({ directory, members: 1 }));
    const [member] = cluster.members;
    const data = member?.directory ?? "";
    const held = await flotillad("--dev", `--data-dir=${data}`);
    expect(held.code).toBe(1);
    expect(held.stderr).toContain(join(data, "lock"));
    await cluster.stopAll();
    const foreign = await flotillad("--dev", `--data-dir=${data}`, "--cluster-id=other");
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toContain(join(data, "cluster-id"));
    expect(foreign.stderr).toMatch(/belongs to cluster "flotilla"/);
  });

  it("a log that is corrupt in the middle, and touches nothing of it", async () => {
    const directory = temporaryDirectory();
    const cluster = untilFinished(await FlotillaCluster.start({ directory, members: 1 }));
    const [member] = cluster.members;
    if (member === undefined) return;
    await using client = connect({ endpoints: cluster.clientUrls });
    for (let i = 0; i < 200; i++) await client.put(`key/${i}`, "x".repeat(200));
    await member.kill();
    const file = largestFile(join(member.directory, "store"));
    const at = flipByteAmid(file);
    const before = readFileSync(file);
    member.start();
    const { code } = await member.process.exited;
    expect(code).toBe(1);
    const output = member.process.output();
    expect(output).toContain(file);
    expect(output).toMatch(/corrupt/);
    expect(readFileSync(file).equals(before), `byte ${at}`).toBe(true);
  });
});

describe.skipIf(process.getuid?.() !== 0)("a full disk", () => {
  it("refuses writes clearly, keeps what was acknowledged, and heals when there is room", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "small"));
    const mount = join(directory, "small");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", mount]);
    onTestFinished(() => {
      execFileSync("umount", ["-l", mount]);
    });
    const cluster = await FlotillaCluster.start({ directory: mount, members: 1 });
    onTestFinished(() => cluster.stopAll());
    const [member] = cluster.members;
    if (member === undefined) return;
    await using client = connect({ endpoints: cluster.clientUrls });
    await client.put("first", "kept");
    writeFileSync(join(mount, "ballast"), Buffer.alloc(freeBytes(mount)));
    const acknowledged: string[] = [];
    let refusal: unknown;
    for (let i = 0; i < 2_000 && refusal === undefined; i++) {
      try {
        await client.put(`fill/${i}`, "y".repeat(64 * 1024), {
          signal: AbortSignal.timeout(10_000),
        });
        acknowledged.push(`fill/${i}`);
      } catch (error) {
        refusal = error;
      }
    }
    expect(String(refusal)).toMatch(/space|disk/i);
    writeFileSync(join(mount, "ballast"), "");
    if (!member.running) member.start();
    await member.ready();
    await waitFor("writes to go through again", async () => client.put("after", "room"));
    expect(Buffer.from((await client.get("first"))?.value ?? []).toString()).toBe("kept");
    for (const key of acknowledged) expect(await client.get(key), key).not.toBeNull();
  });
});

function largestFile(directory: string): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files.sort((a, b) => contentLength(b) - contentLength(a))[0] ?? "";
}

/** Bytes up to the last that is not zero: preallocated room does not count. */
function contentLength(path: string): number {
  const bytes = readFileSync(path);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** Flips a bit of a value amid the log: between records there is padding, which means nothing. */
function flipByteAmid(path: string): number {
  const bytes = readFileSync(path);
  const value = Buffer.from("x".repeat(200));
  const places: number[] = [];
  for (let at = bytes.indexOf(value); at >= 0; at = bytes.indexOf(value, at + value.length)) {
    places.push(at);
  }
  const at = (places[Math.floor(places.length / 2)] ?? 0) + 100;
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from([(bytes[at] ?? 0) ^ 1]), 0, 1, at);
  closeSync(file);
  return at;
}

function freeBytes(directory: string): number {
  const text = execFileSync("df", ["--output=avail", "-B1", directory], { encoding: "utf8" });
  const free = Number(text.split("\n")[1]);
  return Math.max(0, free - statSync(directory).blksize);
}
