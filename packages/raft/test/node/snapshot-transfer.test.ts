import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/index.js";
import { type GrpcTransport, MemoryDisk, SnapshotStore } from "../../src/node/index.js";
import { until } from "./helpers.js";
import { Recorder, snapshotMessage, startTransport } from "./transport-recorder.js";

const MEBIBYTE = 1024 * 1024;
/** What one break may cost: the chunk on its way, and the part of a piece that came before it. */
const LOST_AT_MOST = MEBIBYTE + 256 * 1024 + 8;
const FILLER = 0xab;

const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** Between two members: cuts all connections at a certain byte, or damages some on their way. */
class Wire implements AsyncDisposable {
  port = 0;
  /** Bytes that pass until everything is cut; at most once. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** Pieces of the filler that are still to be damaged. */
  damage = 0;
  cuts = 0;
  /** Bytes that pass until nothing does any more, while the connections stay. */
  silentAfter = Number.POSITIVE_INFINITY;
  #passed = 0;
  readonly #sockets: Set<Socket> = new Set();
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #target: number;

  constructor(target: number) {
    this.#target = target;
  }

  get isSilent(): boolean {
    return this.#passed >= this.silentAfter;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const target = connect(this.#target, "127.0.0.1");
    for (const one of [socket, target]) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        socket.destroy();
        target.destroy();
        this.#sockets.delete(one);
      });
    }
    target.pipe(socket);
    socket.on("data", (bytes: Buffer) => {
      this.#passed += bytes.length;
      if (this.#passed >= this.cutAfter) return this.#cut();
      if (this.isSilent) return;
      if (this.damage > 0) this.#damage(bytes);
      if (!target.write(bytes)) {
        socket.pause();
        target.once("drain", () => socket.resume());
      }
    });
  }

  #cut(): void {
    this.cuts++;
    this.cutAfter = Number.POSITIVE_INFINITY;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Only amid the filler, so that HTTP/2 and gRPC notice nothing. */
  #damage(bytes: Buffer): void {
    const at = bytes.indexOf(Buffer.alloc(64, FILLER));
    if (at < 0) return;
    bytes[at + 32] = 0;
    this.damage--;
  }
}

interface Transfer {
  readonly sender: GrpcTransport;
  readonly sending: Recorder;
  readonly proxy: Wire;
  /** Where the receiver is without the proxy. */
  readonly direct: string;
  readonly received: Recorder;
  readonly from: SnapshotStore;
  readonly into: SnapshotStore;
  /** Bytes of snapshot files that the sender gave to the network, and how often it failed. */
  readonly counted: { bytes: number };
}

/** Member 1 with snapshots of 6 MiB at 10 and 20, connected to member 2 through a proxy. */
async function transfer(): Promise<Transfer> {
  const from = await SnapshotStore.open(new MemoryDisk(), "snapshots", "test");
  const into = await SnapshotStore.open(new MemoryDisk(), "snapshots", "test");
  for (const index of [10, 20]) {
    const snapshot: Snapshot = snapshotMessage(index, 3).snapshot!;
    await from.write(
      snapshot,
      (async function* () {
        for (let piece = 0; piece < 6; piece++) {
          const bytes = new Uint8Array(MEBIBYTE).fill(FILLER);
          bytes[0] = piece;
          bytes[1] = index;
          yield bytes;
        }
      })(),
    );
  }
  const received = new Recorder();
  const handlers = Object.assign(received, {
    snapshotLength: (index: number, term: number) => into.receivedLength({ index, term }),
    storeSnapshot: (index: number, term: number, chunks: AsyncIterable<Uint8Array>, at?: number) =>
      into.receive({ index, term }, chunks, at),
  });
  const two = await startTransport(2, handlers, cleanup);
  const proxy = new Wire(two.transport.addresses[0]!.port);
  await proxy.listen();
  cleanup.push(proxy);
  const counted = { bytes: 0 };
  const sending = Object.assign(new Recorder(), {
    openSnapshot: (index: number, at?: number) => from.bytes(index, at),
  });
  const metrics = {
    count: (name: string, by: number) => {
      if (name === "snapshot_sent_bytes") counted.bytes += by;
    },
    observe: () => {},
  };
  const one = await startTransport(1, sending, cleanup, { metrics });
  one.transport.setPeers([{ id: 2, address: `127.0.0.1:${proxy.port}` }]);
  const stores = { from, into };
  return {
    sender: one.transport,
    sending,
    proxy,
    direct: two.address,
    received,
    ...stores,
    counted,
  };
}

async function contentOf(store: SnapshotStore, index: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of store.bytes(index)) parts.push(part);
  return Buffer.concat(parts);
}

/** Sends until it is taken, as the core does; returns how often. */
async function sendUntilTaken({ sender, sending }: Transfer, index: number): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    sending.sent = [];
    sender.send([snapshotMessage(index, 3)]);
    await until("the sending ended", () => sending.sent.length === 1);
    if (sending.sent[0]) return attempt;
  }
}

describe("a snapshot's transfer", () => {
  it.each([0.01, 0.2, 0.55, 0.99])(
    "goes on where it was when the connection is cut after %d of it",
    async (part) => {
      const made = await transfer();
      const whole = await contentOf(made.from, 10);
      made.proxy.cutAfter = Math.max(5_000, Math.floor(part * whole.length));
      await sendUntilTaken(made, 10);
      expect(made.proxy.cuts).toBe(1);
      expect(made.counted.bytes).toBeLessThanOrEqual(whole.length + LOST_AT_MOST);
      expect(Buffer.compare(await contentOf(made.into, 10), whole)).toBe(0);
      expect(made.received.messages.map(({ snapshot }) => snapshot!.metadata.index)).toEqual([10]);
    },
  );

  it("survives cut after cut, each at the cost of a chunk", async () => {
    const made = await transfer();
    const whole = await contentOf(made.from, 10);
    const spans = [0.7, 1.9, 0.3, 2.4].map((mebibytes) => Math.floor(mebibytes * MEBIBYTE));
    let passed = 0;
    const cutNext = (): void => {
      passed += spans.shift() ?? Number.POSITIVE_INFINITY;
      made.proxy.cutAfter = passed;
    };
    cutNext();
    for (let cuts = 0; ; ) {
      made.sending.sent = [];
      made.sender.send([snapshotMessage(10, 3)]);
      await until("the sending ended", () => made.sending.sent.length === 1);
      if (made.sending.sent[0]) break;
      if (made.proxy.cuts === cuts) continue;
      cuts = made.proxy.cuts;
      cutNext();
    }
    expect(made.proxy.cuts).toBe(4);
    expect(made.counted.bytes).toBeLessThanOrEqual(whole.length + 4 * LOST_AT_MOST);
    expect(Buffer.compare(await contentOf(made.into, 10), whole)).toBe(0);
  });

  it("begins anew for another snapshot", async () => {
    const made = await transfer();
    made.proxy.cutAfter = 3 * MEBIBYTE;
    made.sender.send([snapshotMessage(10, 3)]);
    await until("it was cut", () => made.sending.sent.length === 1);
    expect(made.sending.sent).toEqual([false]);
    await until("what came is kept", () => made.proxy.cuts === 1);
    const before = made.counted.bytes;
    await sendUntilTaken(made, 20);
    const whole = await contentOf(made.from, 20);
    expect(made.counted.bytes - before).toBe(whole.length);
    expect(Buffer.compare(await contentOf(made.into, 20), whole)).toBe(0);
    expect(await made.into.receivedLength({ index: 10, term: 3 })).toBe(0);
  });

  it("asks for a damaged chunk again, and for no other", async () => {
    const made = await transfer();
    const whole = await contentOf(made.from, 10);
    made.proxy.damage = 2;
    expect(await sendUntilTaken(made, 10)).toBe(1);
    expect(made.proxy.damage).toBe(0);
    expect(made.counted.bytes).toBeGreaterThan(whole.length);
    expect(made.counted.bytes).toBeLessThanOrEqual(whole.length + 2 * MEBIBYTE);
    expect(Buffer.compare(await contentOf(made.into, 10), whole)).toBe(0);
  });

  it("is given up when a chunk is damaged every time", async () => {
    const made = await transfer();
    made.proxy.damage = Number.POSITIVE_INFINITY;
    made.sender.send([snapshotMessage(10, 3)]);
    await until("the sending ended", () => made.sending.sent.length === 1);
    expect(made.sending.sent).toEqual([false]);
    expect(made.received.messages).toEqual([]);
  });

  it("costs nothing when all of it is there already", async () => {
    const made = await transfer();
    await sendUntilTaken(made, 10);
    const before = made.counted.bytes;
    expect(await sendUntilTaken(made, 10)).toBe(1);
    expect(made.counted.bytes).toBe(before);
    expect(made.received.messages).toHaveLength(2);
  });

  it("takes the place of one whose connection went silent", async () => {
    const made = await transfer();
    made.proxy.silentAfter = 2 * MEBIBYTE;
    made.sender.send([snapshotMessage(10, 3)]);
    await until("it hangs", () => made.proxy.isSilent);
    const again = Object.assign(new Recorder(), {
      openSnapshot: (index: number, at?: number) => made.from.bytes(index, at),
    });
    const restarted = await startTransport(1, again, cleanup);
    restarted.transport.setPeers([{ id: 2, address: made.direct }]);
    restarted.transport.send([snapshotMessage(20, 3)]);
    await until("the sending ended", () => again.sent.length === 1);
    expect(again.sent).toEqual([true]);
    expect(made.received.messages.map(({ snapshot }) => snapshot!.metadata.index)).toEqual([20]);
  });

  it("that cannot begin is reported, so that the core tries again", async () => {
    const made = await transfer();
    made.sender.setPeers([]);
    made.sender.send([snapshotMessage(10, 3)]);
    await until("it is reported", () => made.sending.sent.length === 1);
    expect(made.sending.sent).toEqual([false]);
  });
});
