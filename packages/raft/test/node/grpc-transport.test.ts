import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMessage, EntryType, type Message, MessageType } from "../../src/index.js";
import { GrpcTransport, type GrpcTransportOptions } from "../../src/node/index.js";
import { temporaryFolder, until } from "./helpers.js";
import { Recorder, snapshotMessage, startTransport } from "./transport-recorder.js";

const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function transport(
  id: number,
  more: Partial<GrpcTransportOptions> = {},
): Promise<{ transport: GrpcTransport; handlers: Recorder; address: string }> {
  const handlers = new Recorder();
  return { ...(await startTransport(id, handlers, cleanup, more)), handlers };
}

const BIG = 2 ** 50 + 1;

function append(index: number, size: number): Message {
  const data = new Uint8Array(size).fill(index & 255);
  const entries = [{ term: BIG, index, type: EntryType.Normal, data }];
  return createMessage({ type: MessageType.App, from: 1, to: 2, term: BIG, index, entries });
}

describe("the gRPC transport", () => {
  it("carries messages whole and in order, with numbers beyond 2^32", async () => {
    const one = await transport(1);
    const two = await transport(2);
    one.transport.setPeers([{ id: 2, address: `http://${two.address}/` }]);
    const sent = Array.from({ length: 500 }, (_, at) => append(BIG + at, 10_000));
    one.transport.send(sent);
    await until("all arrived", () => two.handlers.messages.length === sent.length);
    expect(two.handlers.messages.map(({ index }) => index)).toEqual(sent.map(({ index }) => index));
    const last = two.handlers.messages.at(-1)!;
    expect(last.term).toBe(BIG);
    expect(last.entries[0]!.term).toBe(BIG);
    expect(Buffer.compare(last.entries[0]!.data, sent.at(-1)!.entries[0]!.data)).toBe(0);
    const vote = createMessage({
      type: MessageType.PreVote,
      from: 1,
      to: 2,
      term: 7,
      context: new Uint8Array([1, 2]),
      reject: true,
    });
    one.transport.send([vote]);
    await until("it arrived", () => two.handlers.messages.length === sent.length + 1);
    const arrived = two.handlers.messages.at(-1)!;
    expect({ ...arrived, context: [...arrived.context!] }).toEqual({ ...vote, context: [1, 2] });
  });

  it("reports what it cannot deliver, and finds a restarted peer within half a second", async () => {
    const one = await transport(1);
    const two = await transport(2);
    one.transport.setPeers([{ id: 2, address: two.address }]);
    one.transport.send([append(1, 10)]);
    await until("it arrived", () => two.handlers.messages.length === 1);
    await two.transport[Symbol.asyncDispose]();
    await until("it is missed", () => {
      one.transport.send([append(2, 10)]);
      return one.handlers.lost.includes(2);
    });
    const back = new GrpcTransport({ clusterId: "test", id: 2, listen: two.transport.addresses });
    cleanup.push(back);
    const handlers = new Recorder();
    await back.start(handlers);
    const start = performance.now();
    await until("it is found", () => {
      one.transport.send([append(3, 10)]);
      return handlers.messages.length > 0;
    });
    // Half a second by design; the rest is for a busy machine.
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it("notices a peer that accepts connections and says nothing", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const one = await transport(1);
    one.transport.setPeers([{ id: 2, address: `127.0.0.1:${port}` }]);
    one.transport.send([append(1, 10)]);
    await until("it is missed", () => one.handlers.lost.includes(2));
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("bounds what waits for a peer", async () => {
    const one = await transport(1);
    one.transport.setPeers([{ id: 2, address: "127.0.0.1:1" }]);
    const many = Array.from({ length: 80 }, (_, at) => append(at, 1024 * 1024));
    one.transport.send(many);
    // 63 fit into 64 MiB; what did not is told in the same turn, once.
    await until("some were dropped", () => one.handlers.lost.length > 0);
    expect(one.handlers.lost).toEqual([2]);
  });

  it("streams a snapshot's file and hands its message over afterwards", async () => {
    const one = await transport(1);
    const two = await transport(2);
    one.transport.setPeers([{ id: 2, address: two.address }]);
    one.handlers.file = [new Uint8Array(1_000_000).fill(3), new Uint8Array(5).fill(4)];
    const message = snapshotMessage(BIG, 9);
    one.transport.send([message]);
    await until("it is there", () => one.handlers.sent.length === 1);
    expect(one.handlers.sent).toEqual([true]);
    expect(Buffer.compare(two.handlers.stored[0]!, Buffer.concat(one.handlers.file))).toBe(0);
    expect(two.handlers.messages[0]!.snapshot!.metadata).toEqual(message.snapshot!.metadata);
    two.handlers.storeSnapshot = () => Promise.reject(new Error("no room"));
    one.transport.send([message]);
    await until("it failed", () => one.handlers.sent.length === 2);
    expect(one.handlers.sent).toEqual([true, false]);
    expect(two.handlers.messages).toHaveLength(1);
  });

  it("refuses a peer that is somebody else", async () => {
    const refusals: string[] = [];
    const one = await transport(1, { onRefused: (error) => refusals.push(error.message) });
    const three = await transport(3);
    one.transport.setPeers([{ id: 2, address: three.address }]);
    await until("it is noticed", () => refusals.length > 0);
    expect(refusals[0]).toMatch(/member 3|is member 3/);
  });

  const openssl = spawnSync("openssl", ["version"]).status === 0;
  if (!openssl) console.warn("skipped: mutual TLS; install Debian's openssl");
  it.skipIf(!openssl)("speaks mutual TLS, and to nobody without a certificate", async () => {
    await using folder = await temporaryFolder();
    const run = (...args: string[]): void => {
      execFileSync("openssl", args, { cwd: folder.path, stdio: "ignore" });
    };
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    run("req", "-x509", "-days", "2", ...key, ...subject, "-keyout", "key.pem", "-out", "cert.pem");
    const read = (name: string): Buffer => readFileSync(`${folder.path}/${name}`);
    const tls = { ca: read("cert.pem"), cert: read("cert.pem"), key: read("key.pem") };
    const one = await transport(1, { tls });
    const two = await transport(2, { tls });
    const plain = await transport(3);
    one.transport.setPeers([{ id: 2, address: two.address }]);
    plain.transport.setPeers([{ id: 2, address: two.address }]);
    one.transport.send([append(1, 10)]);
    await until("it arrived", () => two.handlers.messages.length === 1);
    plain.transport.send([{ ...append(2, 10), from: 3 }]);
    await until("it is refused", () => plain.handlers.lost.includes(2));
    expect(two.handlers.messages).toHaveLength(1);
  });
});
