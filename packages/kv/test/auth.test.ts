import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMember } from "../src/index.js";
import { authorityOf, signedBy } from "../src/tls/certificate.js";
import { type Cluster, startCluster } from "./support/cluster.js";
import { etcdctl, hasEtcdctl, NO_ETCDCTL } from "./support/etcd.js";
import { temporaryDirectory } from "./support/temporary.js";

const ROOT = "--user=root:secret";
const ANN = "--user=ann:ann-secret";

/** Root, and ann who may read and write under a/, and read what lies between there and b0. */
async function setUp(ctl: (...args: string[]) => Promise<string>): Promise<void> {
  await ctl("user", "add", "root:secret");
  await ctl("user", "add", "ann:ann-secret");
  await ctl("user", "grant-role", "root", "root");
  await ctl("role", "add", "staff");
  await ctl("role", "grant-permission", "--prefix", "staff", "readwrite", "a/");
  await ctl("role", "grant-permission", "staff", "read", "a0", "b0");
  await ctl("user", "grant-role", "ann", "staff");
  await ctl("auth", "enable");
}

describe.skipIf(!hasEtcdctl).each([1, 3])(`auth with %i member(s)${NO_ETCDCTL}`, (size) => {
  let cluster: Cluster;
  const ctl = (...args: string[]): Promise<string> => etcdctl(cluster.endpoints, ...args);

  // Eight runs of etcdctl, two of which derive a key from a password.
  beforeAll(async () => {
    cluster = await startCluster(size, { snapshotCount: 20 });
    await setUp(ctl);
  }, 30_000);
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  test("nobody without a name, everybody within their ranges", async () => {
    await expect(ctl("get", "a/1")).rejects.toThrow("user name is empty");
    await expect(ctl("put", "a/1", "x")).rejects.toThrow("user name is empty");
    await expect(ctl("get", "a/1", "--user=ann:wrong")).rejects.toThrow("invalid user ID");
    expect(await ctl("put", "a/1", "x", ANN)).toBe("OK\n");
    expect(await ctl("get", "a/", "--prefix", ANN)).toBe("a/1\nx\n");
    // Two grants side by side are one.
    expect(await ctl("get", "a/", "b0", ANN)).toBe("a/1\nx\n");
    await expect(ctl("put", "b/1", "x", ANN)).rejects.toThrow("permission denied");
    await expect(ctl("get", "", "--prefix", ANN)).rejects.toThrow("permission denied");
    await expect(ctl("del", "a/", "c", ANN)).rejects.toThrow("permission denied");
    expect(await ctl("put", "c", "x", ROOT)).toBe("OK\n");
  });

  test("management is root's; everybody may look at themselves", async () => {
    await expect(ctl("user", "list", ANN)).rejects.toThrow("permission denied");
    await expect(ctl("role", "add", "more", ANN)).rejects.toThrow("permission denied");
    await expect(ctl("member", "add", "x", "--peer-urls=http://127.0.0.1:1", ANN)).rejects.toThrow(
      "permission denied",
    );
    expect(await ctl("user", "get", "ann", ANN)).toContain("staff");
    expect(await ctl("role", "get", "staff", ANN)).toContain("[a/, a0) (prefix a/)");
    expect(await ctl("user", "list", ROOT)).toBe("ann\nroot\n");
    await expect(ctl("user", "delete", "root", ROOT)).rejects.toThrow("invalid auth management");
    await expect(ctl("user", "add", "ann:x", ROOT)).rejects.toThrow("user name already exists");
  });

  test("a lease that holds others' keys is not ann's to revoke or use", async () => {
    const id = / (\w+) granted/.exec(await ctl("lease", "grant", "100", ROOT))?.[1] as string;
    await ctl("put", "c/leased", "x", `--lease=${id}`, ROOT);
    await expect(ctl("lease", "revoke", id, ANN)).rejects.toThrow("permission denied");
    await expect(ctl("put", "a/2", "x", `--lease=${id}`, ANN)).rejects.toThrow("permission denied");
    await expect(ctl("lease", "timetolive", id, "--keys", ANN)).rejects.toThrow(
      "permission denied",
    );
    expect(await ctl("lease", "timetolive", id, "--keys", ROOT)).toContain("c/leased");
  });

  test("the process itself is trusted; users outlive a restart by snapshot and log", async () => {
    for (let i = 0; i < 60; i++) await cluster.members[0]?.local.put("local", `${i}`);
    await cluster.members[0]?.stop();
    const member = await cluster.restart(0);
    await member.ready();
    await expect(etcdctl(member.clientUrls, "get", "local")).rejects.toThrow("user name is empty");
    expect(await etcdctl(member.clientUrls, "get", "local", ROOT)).toContain("59");
  });

  test("what is taken away counts at once, and switching off forgets logins", async () => {
    await ctl("user", "revoke-role", "ann", "staff", ROOT);
    await expect(ctl("get", "a/1", ANN)).rejects.toThrow("permission denied");
    await ctl("auth", "disable", ROOT);
    expect(await ctl("get", "a/1")).toBe("a/1\nx\n");
  });
});

test.skipIf(!hasEtcdctl)(`a certificate's common name is its user${NO_ETCDCTL}`, async () => {
  await using directory = await temporaryDirectory();
  const file = (name: string): string => join(directory.path, name);
  const authority = authorityOf("auth tests");
  await writeFile(file("ca.crt"), authority.cert);
  const pairs = { server: "server", ann: "ann", stranger: "stranger" };
  for (const [name, subject] of Object.entries(pairs)) {
    const { cert, key } = signedBy(authority, ["127.0.0.1"], subject);
    await writeFile(file(`${name}.crt`), cert);
    await writeFile(file(`${name}.key`), key);
  }
  await using member = await startMember({
    listenClientUrls: ["https://127.0.0.1:0"],
    clientTls: {
      certFile: file("server.crt"),
      keyFile: file("server.key"),
      trustedCaFile: file("ca.crt"),
      clientCertAuth: true,
    },
  });
  await member.ready();
  const ctl = (who: string, ...args: string[]): Promise<string> =>
    etcdctl(
      member.clientUrls,
      `--cacert=${file("ca.crt")}`,
      `--cert=${file(`${who}.crt`)}`,
      `--key=${file(`${who}.key`)}`,
      ...args,
    );
  await setUp((...args) => ctl("server", ...args));
  expect(await ctl("ann", "put", "a/1", "x")).toBe("OK\n");
  await expect(ctl("ann", "put", "c", "x")).rejects.toThrow("permission denied");
  await expect(ctl("stranger", "put", "a/1", "x")).rejects.toThrow("permission denied");
  // A token counts more than the certificate.
  expect(await ctl("stranger", "put", "c", "x", ROOT)).toBe("OK\n");
});
