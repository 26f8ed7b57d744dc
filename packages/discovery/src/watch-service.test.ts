import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolve } from "./resolve.js";
import { MemoryStore } from "./testing/index.js";
import { type ServiceSnapshot, watchService } from "./watch-service.js";

const PREFIX = "/skydns/local/flotilla/web/";

let store: MemoryStore;
let controller: AbortController;
let seen: AsyncIterator<ServiceSnapshot>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  store = new MemoryStore();
  controller = new AbortController();
  seen = watchService(store, "web", { signal: controller.signal })[Symbol.asyncIterator]();
});
afterEach(async () => {
  controller.abort();
  await seen.return?.();
  vi.useRealTimers();
});

async function next(): Promise<ServiceSnapshot> {
  const { value, done } = await seen.next();
  if (done === true) throw new Error("the watch has ended");
  return value;
}

const ids = ({ endpoints }: ServiceSnapshot): string[] => endpoints.map(({ id }) => id);
const put = (id: string, more: object = {}): Promise<void> =>
  store.put(`${PREFIX}${id}`, JSON.stringify({ host: "10.0.0.1", port: 80, ...more }));

describe("watchService", () => {
  it("tells what is there, then each change", async () => {
    await put("a");
    expect(await next()).toEqual({
      service: "web",
      endpoints: [
        {
          service: "web",
          id: "a",
          host: "10.0.0.1",
          port: 80,
          protocol: "tcp",
          priority: 10,
          weight: 100,
        },
      ],
      revision: 2,
      stale: false,
      ageMs: 0,
    });
    await put("b", { priority: 1 });
    expect(ids(await next())).toEqual(["b", "a"]);
    await store.delete(`${PREFIX}a`);
    expect(ids(await next())).toEqual(["b"]);
  });

  it("tells an empty service as well", async () => {
    expect(ids(await next())).toEqual([]);
  });

  it("tells nothing twice, and only the newest to a slow reader", async () => {
    await put("a");
    await next();
    const later = next();
    await put("a");
    await store.put("/skydns/local/flotilla/webby/x", JSON.stringify({ host: "10.0.0.2" }));
    await store.put(`${PREFIX}junk`, "no JSON");
    await vi.advanceTimersByTimeAsync(100);
    await put("b");
    expect(ids(await later)).toEqual(["a", "b"]);
    for (const id of ["c", "d", "e"]) await put(id);
    await vi.advanceTimersByTimeAsync(100);
    expect(ids(await next())).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("does not tell a change that was taken back before it was read", async () => {
    await put("a");
    await next();
    await vi.advanceTimersByTimeAsync(10);
    await put("b");
    await store.delete(`${PREFIX}b`);
    await vi.advanceTimersByTimeAsync(10);
    const later = next();
    await vi.advanceTimersByTimeAsync(10);
    await put("c");
    expect(ids(await later)).toEqual(["a", "c"]);
  });

  it("lists again when history was compacted away", async () => {
    await put("a");
    await next();
    await vi.advanceTimersByTimeAsync(10);
    store.breakWatches();
    await vi.advanceTimersByTimeAsync(0);
    expect((await next()).stale).toBe(true);
    await put("b");
    const range = store.range.bind(store);
    // The list is old when the watch starts: its revision is compacted by then.
    vi.spyOn(store, "range").mockImplementationOnce(async (prefix) => {
      const result = await range(prefix);
      await put("c");
      store.compact();
      return result;
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(ids(await next())).toEqual(["a", "b"]);
    await vi.advanceTimersByTimeAsync(500);
    const last = await next();
    expect(ids(last)).toEqual(["a", "b", "c"]);
    expect(last.stale).toBe(false);
  });

  it("keeps the last known while the store is away, with their age", async () => {
    await put("a");
    await next();
    await vi.advanceTimersByTimeAsync(10);
    store.available = false;
    await vi.advanceTimersByTimeAsync(4_000);
    const away = await next();
    expect(ids(away)).toEqual(["a"]);
    expect(away.stale).toBe(true);
    expect(away.ageMs).toBeGreaterThanOrEqual(4_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.calls["range"]).toBeLessThan(40);
    store.available = true;
    await vi.advanceTimersByTimeAsync(5_100);
    const back = await next();
    expect(ids(back)).toEqual(["a"]);
    expect(back).toMatchObject({ stale: false, ageMs: 0 });
  });

  it("notices a store that is away though its watch does not break", async () => {
    await put("a");
    await next();
    await vi.advanceTimersByTimeAsync(10);
    store.hanging = true;
    await vi.advanceTimersByTimeAsync(8_000);
    expect((await next()).stale).toBe(true);
    store.hanging = false;
    await vi.advanceTimersByTimeAsync(8_000);
    expect((await next()).stale).toBe(false);
  });

  it("ends with its signal", async () => {
    await next();
    const pending = seen.next();
    controller.abort();
    expect(await pending).toEqual({ value: undefined, done: true });
  });
});

describe("resolve", () => {
  it("reads the endpoints once, without what is none", async () => {
    await put("b", { id: "B@1" });
    await put("a", { text: "t" });
    await store.put(`${PREFIX}text-only`, JSON.stringify({ text: "x" }));
    await store.put(`${PREFIX}list`, "[]");
    expect((await resolve(store, "web")).map(({ id, text }) => [id, text])).toEqual([
      ["a", "t"],
      ["B@1", undefined],
    ]);
    expect(await resolve(store, "web", { domain: "example.org" })).toEqual([]);
  });

  it("fails in bounded time when the store is away", async () => {
    store.hanging = true;
    const result = resolve(store, "web").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await result).toMatchObject({ code: "store-unavailable" });
  });
});
