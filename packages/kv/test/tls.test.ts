import { copyFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMember } from "../src/index.js";
import { authorityOf, signedBy } from "../src/tls/certificate.js";
import { startCluster } from "./support/cluster.js";
import { etcdctl, hasEtcdctl, NO_ETCDCTL } from "./support/etcd.js";
import { temporaryDirectory } from "./support/temporary.js";

const HOSTS = ["localhost", "127.0.0.1"];
const authority = authorityOf("tests");
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const file = (name: string): string => join(directory.path, name);

async function writePair(name: string, by = authority): Promise<void> {
  const { cert, key } = signedBy(by, HOSTS);
  await writeFile(file(`${name}.crt`), cert);
  await writeFile(file(`${name}.key`), key);
}

beforeAll(async () => {
  directory = await temporaryDirectory();
  await writeFile(file("ca.crt"), authority.cert);
  await writePair("server");
  await writePair("client");
  await writePair("stranger", authorityOf("strangers"));
});
afterAll(async () => await directory[Symbol.asyncDispose]());

const clientTls = () => ({
  certFile: file("server.crt"),
  keyFile: file("server.key"),
  trustedCaFile: file("ca.crt"),
  clientCertAuth: true,
});

describe.skipIf(!hasEtcdctl)(`TLS with etcdctl${NO_ETCDCTL}`, () => {
  const ctl = (endpoint: string, pair: string, ...args: string[]): Promise<string> =>
    etcdctl(
      [endpoint],
      `--cacert=${file("ca.crt")}`,
      `--cert=${file(`${pair}.crt`)}`,
      `--key=${file(`${pair}.key`)}`,
      "--dial-timeout=2s",
      ...args,
    );

  test("a certificate of the authority is let in, another is not", async () => {
    await using member = await startMember({
      clientTls: clientTls(),
      listenClientUrls: ["https://localhost:0"],
    });
    await member.ready();
    const [url = ""] = member.clientUrls;
    expect(await ctl(url, "client", "put", "a", "1")).toBe("OK\n");
    // With the scheme in :authority, as old clients send it.
    expect(await ctl(url, "client", "endpoint", "status")).toContain(url);
    await expect(ctl(url, "stranger", "get", "a")).rejects.toThrow();
  });

  test("members speak TLS with each other, with files and without", async () => {
    for (const peerTls of [
      { certFile: file("server.crt"), keyFile: file("server.key"), trustedCaFile: file("ca.crt") },
      "auto" as const,
    ]) {
      await using cluster = await startCluster(3, { peerTls });
      await cluster.members[0]?.local.put("a", "1");
      for (const { local } of cluster.members) expect((await local.get("a"))?.version).toBe(1);
      expect(cluster.members[0]?.peerUrls[0]).toMatch(/^https:/);
    }
  });
});

test("a renewed certificate is shown without a restart, a half-written one is not", async () => {
  await copyFile(file("server.crt"), file("renewed.crt"));
  await copyFile(file("server.key"), file("renewed.key"));
  await using member = await startMember({
    clientTls: { certFile: file("renewed.crt"), keyFile: file("renewed.key") },
    listenClientUrls: ["https://localhost:0"],
  });
  const port = Number(new URL(member.clientUrls[0] ?? "").port);
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls(
        { port, host: "localhost", servername: "localhost", ca: authority.cert },
        () => {
          resolve(socket.getPeerCertificate().fingerprint256);
          socket.destroy();
        },
      ).once("error", reject);
    });
  const before = await shown();
  await writeFile(file("renewed.crt"), "-----BEGIN");
  await expect.poll(shown, { timeout: 3000, interval: 500 }).toBe(before);
  await writePair("renewed");
  await expect.poll(shown, { timeout: 5000, interval: 500 }).not.toBe(before);
});

test("a certificate made at the start serves who does not verify it", async () => {
  await using member = await startMember({
    clientTls: "auto",
    listenClientUrls: ["https://127.0.0.1:0", "http://127.0.0.1:0"],
  });
  const url = `${member.clientUrls[0]}/version`;
  const get = (options: object): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(url, options, (response) => {
        resolve(response.statusCode);
        response.resume();
      })
        .once("error", reject)
        .end();
    });
  expect(await get({ rejectUnauthorized: false })).toBe(200);
  await expect(get({})).rejects.toThrow(/self-signed/);
});

test("what cannot be is refused by name", async () => {
  const https = ["https://127.0.0.1:0"];
  await expect(startMember({ listenClientUrls: https })).rejects.toThrow("clientTls");
  await expect(startMember({ listenPeerUrls: https })).rejects.toThrow("peerTls");
  const missing = { ...clientTls(), certFile: file("missing.crt") };
  await expect(startMember({ clientTls: missing })).rejects.toThrow("missing.crt");
  const suites = { ...clientTls(), cipherSuites: ["TLS_NONSENSE"] };
  await expect(startMember({ clientTls: suites })).rejects.toThrow('"TLS_NONSENSE"');
});
