import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@flotilla/kv/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { main } from "./main.js";

let directory: string;
let output: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flotilla-etcd-"));
  output = "";
  const keep = (chunk: string | Uint8Array): boolean => {
    output += String(chunk);
    return true;
  };
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

async function listen(): Promise<Server & { readonly url: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(server, { url: `http://127.0.0.1:${port}` });
}

async function freeUrl(): Promise<string> {
  const server = await listen();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return server.url;
}

interface Urls {
  readonly client: string;
  readonly peer: string;
}

const flags = ({ client, peer }: Urls, ...more: string[]): string[] => [
  `--data-dir=${directory}/data`,
  `--listen-client-urls=${client}`,
  `--advertise-client-urls=${client}`,
  `--listen-peer-urls=${peer}`,
  `--initial-advertise-peer-urls=${peer}`,
  `--initial-cluster=default=${peer}`,
  // Its lines go to the file descriptor itself, past what this test keeps.
  "--log-level=fatal",
  ...more,
];

/** Runs until it has answered a put, then until SIGTERM. */
async function runOnce(urls: Urls): Promise<number> {
  const running = main(flags(urls), {});
  await using client = connect({ endpoints: [urls.client], timeoutMs: 10_000 });
  await client.put("a", "1");
  process.emit("SIGTERM");
  return await running;
}

test("serves until SIGTERM, and finds its data again", async () => {
  const urls = { client: await freeUrl(), peer: await freeUrl() };
  expect(await runOnce(urls)).toBe(0);
  const running = main(flags(urls), {});
  await using client = connect({ endpoints: [urls.client], timeoutMs: 10_000 });
  expect(await client.get("a")).toMatchObject({ version: 1 });
  process.emit("SIGTERM");
  expect(await running).toBe(0);
});

test("--force-new-cluster makes a new cluster with the old data, once", async () => {
  const urls = { client: await freeUrl(), peer: await freeUrl() };
  expect(await runOnce(urls)).toBe(0);
  const ids: bigint[] = [];
  for (const more of [[], ["--force-new-cluster"], ["--force-new-cluster"]]) {
    const running = main(flags(urls, ...more), {});
    await using client = connect({ endpoints: [urls.client], timeoutMs: 10_000 });
    expect(await client.get("a")).toMatchObject({ version: 1 });
    ids.push((await client.members()).clusterId);
    process.emit("SIGTERM");
    expect(await running).toBe(0);
  }
  expect(ids[1]).not.toBe(ids[0]);
  expect(ids[2]).toBe(ids[1]);
});

test("--version and --help print and end", async () => {
  expect(await main(["--version"], {})).toBe(0);
  expect(output).toMatch(/^etcd Version: 3\./);
  expect(await main(["-h"], {})).toBe(0);
  expect(output).toContain("--initial-cluster-token");
});

test("a command line that cannot be taken ends with 2 and one line", async () => {
  expect(await main(["--nonsense"], {})).toBe(2);
  expect(output).toBe("etcd: flag provided but not defined: -nonsense\n");
});

test.each(["client", "peer"] as const)("a %s port in use is named", async (which) => {
  const holder = await listen();
  try {
    const urls = { client: await freeUrl(), peer: await freeUrl(), [which]: holder.url };
    expect(await main(flags(urls), {})).toBe(1);
    expect(output).toContain(new URL(holder.url).host);
    expect(output.trim().split("\n")).toHaveLength(1);
  } finally {
    holder.close();
  }
});

test("a directory of another cluster is refused", async () => {
  const urls = { client: await freeUrl(), peer: await freeUrl() };
  expect(await runOnce(urls)).toBe(0);
  expect(await main(flags(urls, "--initial-cluster-token=another"), {})).toBe(1);
  expect(output).toMatch(/^etcd: .*member\.json is of the cluster with token "etcd-cluster"/);
});

test("a log damaged in its middle is refused with its file", async () => {
  const urls = { client: await freeUrl(), peer: await freeUrl() };
  expect(await runOnce(urls)).toBe(0);
  const files = (await readdir(`${directory}/data/log`)).filter(
    (name) => !name.includes("reserve"),
  );
  const file = join(directory, "data/log", files.sort()[0] as string);
  const bytes = await readFile(file);
  // Within the first frames, with good ones behind: no crash does that.
  bytes[100] = (bytes[100] as number) ^ 0xff;
  await writeFile(file, bytes);
  expect(await main(flags(urls), {})).toBe(1);
  expect(output).toContain(file);
  expect(output.trim().split("\n")).toHaveLength(1);
});
