import type { SrvRecord } from "node:dns";
import { Resolver } from "node:dns/promises";
import { type StoreMember, startStore } from "@flotilla/kv";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  register,
  resolve,
  type ServiceSnapshot,
  startDnsServer,
  watchService,
} from "../src/index.js";

/** The port as the real store fulfils it. */
let member: StoreMember;
beforeAll(async () => {
  member = await startStore();
});
afterAll(() => member.stop());

it("registers, watches and resolves on a real store", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const seen = watchService(member.local, "api", { signal })[Symbol.asyncIterator]();
  const next = async (): Promise<ServiceSnapshot> => {
    const { value, done } = await seen.next();
    if (done === true) throw new Error("the watch has ended");
    return value;
  };
  expect((await next()).endpoints).toEqual([]);
  const api = await register(member.local, {
    service: "api",
    id: "one@1",
    host: "127.0.0.1",
    port: 9_000,
    ttlSeconds: 2,
  });
  expect((await next()).endpoints).toMatchObject([{ id: "one@1", port: 9_000 }]);
  expect(await resolve(member.local, "api")).toMatchObject([{ id: "one@1" }]);
  await api.deregister();
  expect((await next()).endpoints).toEqual([]);
  expect(await resolve(member.local, "api")).toEqual([]);
  controller.abort();
});

it("comes back after its lease was revoked", async () => {
  const lost: string[] = [];
  await using db = await register(member.local, {
    service: "db",
    id: "a",
    host: "127.0.0.1",
    port: 5_432,
    ttlSeconds: 2,
    onLost: ({ code }) => lost.push(code),
  });
  const pair = await member.local.get(db.key);
  await member.local.leaseRevoke(pair!.lease);
  await expect.poll(() => lost, { timeout: 5_000 }).toEqual(["lease-lost"]);
  await db.ready();
  expect(await resolve(member.local, "db")).toHaveLength(1);
});

it("serves what is registered as DNS, to Node's own resolver", async () => {
  await using dns = await startDnsServer(member.local);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${dns.port}`]);
  const shared = { service: "site", host: "127.0.0.1", ttlSeconds: 4 };
  await using _a = await register(member.local, { ...shared, id: "a", port: 8_001 });
  await using _b = await register(member.local, { ...shared, id: "b@2", port: 8_002, weight: 300 });
  const found = (): Promise<SrvRecord[]> => resolver.resolveSrv("site.flotilla.local");
  await expect.poll(async () => (await found().catch(() => [])).length).toBe(2);
  expect((await found()).map(({ port, weight }) => [port, weight]).sort()).toEqual([
    [8_001, 25],
    [8_002, 75],
  ]);
  const [first] = await found();
  expect(await resolver.resolve4(first!.name, { ttl: true })).toEqual([
    { address: "127.0.0.1", ttl: 4 },
  ]);
});
