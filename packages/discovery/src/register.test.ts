import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DiscoveryError } from "./errors.js";
import { type RegisterOptions, register } from "./register.js";
import { MemoryStore } from "./testing/index.js";

const KEY = "/skydns/local/flotilla/web/n1";
const web = { service: "web", id: "n1", host: "10.0.0.1", port: 80, ttlSeconds: 3 };

let store: MemoryStore;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  store = new MemoryStore();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("register", () => {
  it("writes SkyDNS's record under a lease, and takes both away", async () => {
    const registration = await register(store, { ...web, text: "v2" });
    expect(registration.registered).toBe(true);
    expect(registration.key).toBe(KEY);
    expect(store.value(KEY)).toEqual({
      host: "10.0.0.1",
      port: 80,
      priority: 10,
      weight: 100,
      ttl: 3,
      text: "v2",
      protocol: "tcp",
    });
    await registration.deregister();
    expect(store.keys()).toEqual([]);
    expect(store.leases).toEqual([]);
    expect(registration.registered).toBe(false);
    await expect(registration.ready()).rejects.toThrow("taken back");
  });

  it("renews at a third of the TTL", async () => {
    await using _ = await register(store, web);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.calls["leaseKeepAlive"]).toBe(10);
    expect(store.calls["leaseGrant"]).toBe(1);
    expect(store.calls["put"]).toBe(1);
  });

  it("registers again when the lease is gone, and tells", async () => {
    const onLost = vi.fn();
    const onRegistered = vi.fn();
    await using registration = await register(store, { ...web, onLost, onRegistered });
    store.expire(store.leases[0]!);
    expect(store.keys()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(store.keys()).toEqual([KEY]);
    expect(registration.registered).toBe(true);
    expect(onLost).toHaveBeenCalledOnce();
    expect(onLost.mock.calls[0]?.[0]).toMatchObject({ code: "lease-lost" });
    expect(onRegistered).toHaveBeenCalledTimes(2);
  });

  it("outlives an outage shorter than its TTL without a word", async () => {
    const onLost = vi.fn();
    await using _ = await register(store, { ...web, onLost });
    await vi.advanceTimersByTimeAsync(900);
    store.available = false;
    await vi.advanceTimersByTimeAsync(1_500);
    store.available = true;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(onLost).not.toHaveBeenCalled();
    expect(store.calls["leaseGrant"]).toBe(1);
  });

  it("outlives a long outage, trying at a bounded rate", async () => {
    const onLost = vi.fn();
    await using registration = await register(store, { ...web, onLost });
    const lease = store.leases[0]!;
    store.available = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(onLost).toHaveBeenCalledOnce();
    expect(registration.registered).toBe(false);
    const tries = (store.calls["leaseKeepAlive"] ?? 0) + (store.calls["leaseGrant"] ?? 0);
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(40);
    store.expire(lease);
    store.available = true;
    await vi.advanceTimersByTimeAsync(3_000);
    await registration.ready();
    expect(store.keys()).toEqual([KEY]);
  });

  it("starts while the store is away and gets there later", async () => {
    store.available = false;
    await using registration = await register(store, web);
    expect(registration.registered).toBe(false);
    const ready = registration.ready();
    store.available = true;
    await vi.advanceTimersByTimeAsync(1_000);
    await ready;
    expect(store.keys()).toEqual([KEY]);
  });

  it("ends in bounded time with a store that hangs", async () => {
    const registration = await register(store, web);
    store.hanging = true;
    await vi.advanceTimersByTimeAsync(1_000);
    const done = registration.deregister();
    await vi.advanceTimersByTimeAsync(5_000);
    await done;
    expect(registration.registered).toBe(false);
  });

  it("is ended by its signal, and not disturbed by listeners that throw", async () => {
    const controller = new AbortController();
    const onRegistered = (): void => {
      throw new Error("listener");
    };
    const { signal } = controller;
    const registration = await register(store, { ...web, onRegistered, signal });
    await registration.ready();
    controller.abort();
    await registration.deregister();
    expect(store.keys()).toEqual([]);
  });

  it("makes a label of any ID, and keeps the ID", async () => {
    const ids = ["web@1.service@0123abcd", "web-1.service@0123abcd", "N1"];
    const all = await Promise.all(ids.map((id) => register(store, { ...web, id })));
    const keys = store.keys();
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/\/web\/[a-z0-9][a-z0-9-]{1,62}$/);
    expect(keys.map((key) => (store.value(key) as { id: string }).id).sort()).toEqual(ids.sort());
    for (const each of all) await each.deregister();
  });

  it.each<[Partial<RegisterOptions>, RegExp]>([
    [{ service: "my service" }, /service "my service".*"my service" is not a DNS label/],
    [{ service: "../x" }, /is not a DNS label/],
    [{ domain: "a..b" }, /domain "a..b"/],
    [{ id: "" }, /ID of an endpoint is empty/],
    [{ host: "a b" }, /host "a b"/],
    [{ port: 0 }, /port is 0, but must be an integer from 1 to 65535/],
    [{ port: 80.5 }, /port is 80.5/],
    [{ weight: -1 }, /weight is -1/],
    [{ ttlSeconds: Number.NaN }, /ttlSeconds is NaN/],
    [{ text: "x".repeat(5_000) }, /text has more than 4096 bytes/],
  ])("refuses %o before anything is written", async (wrong, message) => {
    const error = await register(store, { ...web, ...wrong }).catch((reason: unknown) => reason);
    expect(DiscoveryError.is(error) && error.code).toBe("invalid-argument");
    expect((error as Error).message).toMatch(message);
    expect(store.calls).toEqual({});
  });
});
