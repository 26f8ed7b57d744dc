import { Buffer } from "node:buffer";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../src/client/index.js";
import type { WatchCreateRequest, WatchRequest, WatchResponse } from "../src/codec/index.js";
import { encode, Reader, readWatchResponse, writeWatchRequest } from "../src/codec/index.js";
import type { StoreMember } from "../src/index.js";
import { startStore } from "../src/index.js";

/** etcd's watch protocol, message by message. */
let store: StoreMember;
let client: Client;

beforeAll(async () => {
  store = await startStore({ maxRequestBytes: 64 * 1024 });
  client = new Client(new URL(store.clientUrls[0] as string).host, credentials.createInsecure(), {
    "grpc.max_receive_message_length": 1024 * 1024,
  });
});
afterAll(async () => {
  client.close();
  await store.stop();
});

const identity = (bytes: Buffer): Buffer => bytes;

class Stream implements Disposable {
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #responses: AsyncIterator<Buffer>;

  constructor() {
    this.#stream = client.makeBidiStreamRequest("/etcdserverpb.Watch/Watch", identity, identity);
    this.#stream.on("error", () => {});
    this.#responses = this.#stream[Symbol.asyncIterator]();
  }

  send(message: WatchRequest): void {
    this.#stream.write(encode(writeWatchRequest, message));
  }

  create(key: string, options: Partial<WatchCreateRequest> = {}): void {
    const request: WatchCreateRequest = {
      key: Buffer.from(key),
      startRevision: 0,
      progressNotify: false,
      noPut: false,
      noDelete: false,
      prevKv: false,
      watchId: 0,
      fragment: false,
      ...options,
    };
    this.send({ type: "create", request });
  }

  async next(): Promise<WatchResponse> {
    const { value } = await this.#responses.next();
    return readWatchResponse(new Reader(value as Buffer));
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

test("a stream carries many watchers, each told of its creation before its events", async () => {
  using stream = new Stream();
  const { revision } = await store.local.put("many/a", "1");
  stream.create("many/a", { startRevision: revision });
  expect(await stream.next()).toMatchObject({ watchId: 0, created: true, events: [] });
  expect(await stream.next()).toMatchObject({ watchId: 0, created: false });
  stream.create("many/", { rangeEnd: Buffer.from("many0") });
  expect(await stream.next()).toMatchObject({ watchId: 1, created: true, header: { revision } });
  await store.local.put("many/b", "2");
  expect(await stream.next()).toMatchObject({ watchId: 1, header: { revision: revision + 1 } });
});

test("all events of one commit come in one response, with previous values where asked", async () => {
  using stream = new Stream();
  stream.create("batch/", { rangeEnd: Buffer.from("batch0"), prevKv: true });
  await stream.next();
  const put = (key: string, value: string) => ({
    type: "put" as const,
    request: { key: Buffer.from(key), value: Buffer.from(value) },
  });
  await store.local.txn({ compare: [], success: [put("batch/a", "1"), put("batch/b", "1")] });
  const first = await stream.next();
  expect(first.events.map(({ prevKv }) => prevKv)).toEqual([null, null]);
  await store.local.txn({ compare: [], success: [put("batch/a", "2"), put("batch/b", "2")] });
  const second = await stream.next();
  expect(second.events.map(({ prevKv }) => prevKv && Buffer.from(prevKv.value).toString())).toEqual(
    ["1", "1"],
  );
});

test("creations that cannot be are answered with created, canceled and the id −1", async () => {
  using stream = new Stream();
  stream.create("z", { rangeEnd: Buffer.from("a") });
  expect(await stream.next()).toMatchObject({ watchId: -1, created: true, canceled: true });
  stream.create("a", { watchId: 9 });
  expect(await stream.next()).toMatchObject({ watchId: 9, created: true, canceled: false });
  stream.create("b", { watchId: 9 });
  const refused = await stream.next();
  expect(refused).toMatchObject({ watchId: -1, created: true, canceled: true });
  expect(refused.cancelReason).toContain("duplicate watch ID");
});

test("a compacted start is created, then canceled with the compacted revision", async () => {
  const { revision } = await store.local.put("gone", "1");
  await store.local.put("gone", "2");
  await compact(revision + 1);
  using stream = new Stream();
  stream.create("gone", { startRevision: revision });
  expect(await stream.next()).toMatchObject({ created: true, canceled: false });
  expect(await stream.next()).toMatchObject({
    watchId: 0,
    canceled: true,
    compactRevision: revision + 1,
  });
});

test("an empty key is the first key there can be", async () => {
  using stream = new Stream();
  stream.create("", { rangeEnd: Uint8Array.of(0) });
  expect(await stream.next()).toMatchObject({ created: true, canceled: false });
  await store.local.put("anything", "1");
  expect((await stream.next()).events).toHaveLength(1);
});

test("progress is told on request, of the whole stream, under the id −1", async () => {
  using stream = new Stream();
  stream.create("quiet/");
  stream.create("quiet/2");
  await stream.next();
  await stream.next();
  const { revision } = await store.local.put("loud", "1");
  stream.send({ type: "progress" });
  expect(await stream.next()).toMatchObject({ watchId: -1, events: [], header: { revision } });
});

test("a canceled watcher is told so and sees nothing more", async () => {
  using stream = new Stream();
  stream.create("c/");
  await stream.next();
  stream.send({ type: "cancel", watchId: 0 });
  expect(await stream.next()).toMatchObject({ watchId: 0, canceled: true, compactRevision: 0 });
  await store.local.put("c/", "1");
  stream.create("c/other");
  expect(await stream.next()).toMatchObject({ watchId: 1, created: true });
});

test("a revision beyond the request limit is fragmented where asked", async () => {
  const value = Buffer.alloc(20 * 1024);
  for (let i = 0; i < 8; i++) await store.local.put(`big/${i}`, value);
  const { revision } = await store.local.delete("big/", { prefix: true });
  using stream = new Stream();
  const range = { rangeEnd: Buffer.from("big0"), startRevision: revision };
  stream.create("big/", { ...range, prevKv: true, fragment: true });
  await stream.next();
  const sizes: number[] = [];
  let response = await stream.next();
  for (; response.fragment; response = await stream.next()) sizes.push(response.events.length);
  sizes.push(response.events.length);
  expect(sizes.length).toBeGreaterThan(1);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
  expect(sizes.reduce((a, b) => a + b)).toBe(8);
});

test("a reader that stalls holds up no one, and gets everything when it reads on", async () => {
  using slow = new Stream();
  slow.create("flood/", { rangeEnd: Buffer.from("flood0") });
  await slow.next();
  const value = Buffer.alloc(32 * 1024);
  const count = 200;
  for (let i = 0; i < count; i++) await store.local.put(`flood/${i}`, value);
  // No message was over a megabyte: what the reader missed comes in parts, cut between revisions.
  const keys: string[] = [];
  while (keys.length < count) {
    const { events } = await slow.next();
    keys.push(...events.map(({ kv }) => Buffer.from(kv.key).toString()));
  }
  expect(keys).toEqual(Array.from({ length: count }, (_, i) => `flood/${i}`));
});

test("bytes that are no request end the stream, not the server", async () => {
  const stream = client.makeBidiStreamRequest("/etcdserverpb.Watch/Watch", identity, identity);
  const ended = new Promise<{ code: number }>((resolve) => {
    stream.on("error", (error: Error & { code: number }) => resolve(error));
  });
  stream.on("data", () => {});
  stream.write(Buffer.from([0x0a, 0xff]));
  expect((await ended).code).toBe(13);
  expect(await store.local.get("still here")).toBeNull();
});

async function compact(revision: number): Promise<void> {
  await using kv = connect({ endpoints: store.clientUrls });
  await kv.compact(revision, { physical: true });
}
