import {
  Client,
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import { Encoder } from "cbor-x";
import { afterEach, describe, expect, it } from "vitest";
import { createMessage, type Message, MessageType } from "../../src/index.js";
import { crc32c, type TransportHandlers } from "../../src/node/index.js";
import { until } from "./helpers.js";
import { Recorder, snapshotMessage, startTransport } from "./transport-recorder.js";

/*
 * Members of other versions, written out by hand: what they send is what this version's members must
 * be able to live with, whatever becomes of the code.
 */

const CBOR = new Encoder({ useRecords: false, tagUint8Array: false });
const PATHS = ["Control", "Append", "Snapshot"].map((name) => `/flotilla.raft.Raft/${name}`);
const asIs = (bytes: Buffer): Buffer => bytes;

/** Newer: version 2 and features that nobody knows yet, also beyond 32 bits. */
const NEWER = { min: 1, max: 2, features: 2 ** 40 + 0xff, more: ["a new field", { of: 2 }] };
/** Older: version 1 without any features. */
const OLDER = { min: 1, max: 1, features: 0, more: [] as unknown[] };
const TOO_NEW = { min: 2, max: 3, features: 0, more: [] as unknown[] };

type Version = typeof NEWER | typeof OLDER;

const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

function helloOf(version: Version, from: number, to: number): Buffer {
  const { min, max, features, more } = version;
  return CBOR.encode([min, max, features, "test", from, to, ...more]);
}

/** A message of a later version: each array has fields that we do not know. */
function heartbeat(from: number, to: number, term: number): unknown[] {
  const fields = [MessageType.Heartbeat, to, from, term, 0, 0, [], 0, 0, null, false, 0, null, 0];
  return [...fields, "a new field"];
}

interface Peer {
  readonly address: string;
  /** What came on each stream after the hello, decoded. */
  readonly frames: { readonly path: string; readonly frame: unknown[] }[];
  readonly hellos: unknown[][];
}

/** Member 2 of another version; `answers` go out after its hello, `serve` takes snapshots. */
async function startPeer(version: Version, answers: readonly unknown[] = []): Promise<Peer> {
  const frames: { path: string; frame: unknown[] }[] = [];
  const hellos: unknown[][] = [];
  const server = new Server();
  const serve = (path: string) => (call: ServerDuplexStream<Buffer, Buffer>) => {
    let greeted = false;
    call.on("error", () => {});
    call.on("end", () => {
      // The older snapshot call: nothing is said until all is there.
      if (path.endsWith("Snapshot")) call.write(Buffer.alloc(0));
      call.end();
    });
    call.on("data", (bytes: Buffer) => {
      const frame = CBOR.decode(Buffer.from(bytes)) as unknown[];
      if (greeted) return void frames.push({ path, frame });
      greeted = true;
      hellos.push(frame);
      if (path.endsWith("Snapshot")) return;
      call.write(helloOf(version, 2, 1));
      for (const answer of answers) call.write(CBOR.encode(answer));
    });
  };
  const methods = PATHS.map((path) => [
    path,
    {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  ]);
  server.addService(
    Object.fromEntries(methods),
    Object.fromEntries(PATHS.map((path) => [path, serve(path)])),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  cleanup.push({ [Symbol.asyncDispose]: async () => server.forceShutdown() });
  return { address: `127.0.0.1:${port}`, frames, hellos };
}

interface Call {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  readonly answers: unknown[][];
  ended: { code: number; details: string } | null;
}

/** Member 2 of another version calls member 1. */
function dial(address: string, path: string, version: Version): Call {
  const client = new Client(address, credentials.createInsecure());
  cleanup.push({ [Symbol.asyncDispose]: async () => client.close() });
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, asIs, asIs);
  const dialled: Call = { call, answers: [], ended: null };
  call.on("error", () => {});
  call.on("data", (bytes: Buffer) => {
    dialled.answers.push(bytes.length > 0 ? (CBOR.decode(Buffer.from(bytes)) as unknown[]) : []);
  });
  call.on("status", ({ code, details }) => {
    dialled.ended = { code, details };
  });
  call.write(helloOf(version, 2, 1));
  return dialled;
}

const [CONTROL, , SNAPSHOT] = PATHS as [string, string, string];

function beat(term: number): Message {
  return createMessage({ type: MessageType.Heartbeat, from: 1, to: 2, term });
}

const NOTHING: TransportHandlers = {
  receive: () => {},
  unreachable: () => {},
  snapshotSent: () => {},
  openSnapshot: async function* () {},
  storeSnapshot: async () => {},
};

describe("a newer member", () => {
  it("is spoken to in the version that both have", async () => {
    const peer = await startPeer(NEWER, [
      [9, "an answer of a new kind"],
      [1, [77], "a new field"],
    ]);
    const one = await startTransport(1, NOTHING, cleanup);
    const other = one.transport.group(7);
    await other.start(NOTHING);
    for (const port of [one.transport, other]) port.setPeers([{ id: 2, address: peer.address }]);
    one.transport.send([beat(4)]);
    other.send([beat(5)]);
    await until("both arrived", () => peer.frames.length > 0);
    // It has the features that we have, and so gets what two groups sent in one turn in one frame.
    expect(peer.hellos[0]!.slice(0, 3)).toEqual([1, 1, 3]);
    expect(peer.frames).toHaveLength(1);
    const envelopes = peer.frames[0]!.frame as unknown[][];
    expect(envelopes.map(([version, , group]) => [version, group])).toEqual([
      [1, 0],
      [1, 7],
    ]);
  });

  it("is understood, whatever it adds", async () => {
    const recorder = new Recorder();
    const one = await startTransport(1, recorder, cleanup);
    const { call, answers } = dial(one.address, CONTROL, NEWER);
    const envelope = (group: number, term: number): unknown[] => {
      return [1, "test", group, 2, 1, [heartbeat(2, 1, term)], "a new field"];
    };
    call.write(CBOR.encode(envelope(0, 4)));
    call.write(CBOR.encode([envelope(0, 5), envelope(9, 6)]));
    await until("the answers came", () => answers.length === 2);
    expect(recorder.messages.map(({ term }) => term)).toEqual([4, 5]);
    expect(answers[0]!.slice(0, 6)).toEqual([1, 1, 3, "test", 1, 2]);
    expect(answers[1]).toEqual([1, [9]]);
  });
});

describe("an older member", () => {
  it("gets nothing that it does not know", async () => {
    const peer = await startPeer(OLDER);
    const recorder = new Recorder();
    recorder.file = [new Uint8Array(3_000_000).fill(7)];
    const one = await startTransport(1, recorder, cleanup);
    const other = one.transport.group(7);
    await other.start(NOTHING);
    for (const port of [one.transport, other]) port.setPeers([{ id: 2, address: peer.address }]);
    one.transport.send([beat(4)]);
    other.send([beat(5)]);
    await until("both arrived", () => peer.frames.length === 2);
    expect(peer.frames.map(({ frame }) => [frame[0], frame[2]])).toEqual([
      [1, 0],
      [1, 7],
    ]);
    peer.frames.length = 0;
    one.transport.send([snapshotMessage(10, 3)]);
    await until("the snapshot is sent", () => recorder.sent.length === 1);
    expect(recorder.sent).toEqual([true]);
    // The envelope, three chunks and the end, all without a word from the peer.
    const chunks = peer.frames.slice(1).map(({ frame }) => frame);
    expect(chunks.map(([offset]) => offset)).toEqual([0, 2 ** 20, 2 ** 21, 3_000_000]);
  });

  it("sends snapshots in its own way, and is answered in it", async () => {
    const recorder = new Recorder();
    const one = await startTransport(1, recorder, cleanup);
    const made = dial(one.address, SNAPSHOT, OLDER);
    const bytes = new Uint8Array(1_000).fill(3);
    const metadata = [10, 3, [[1, 2], [], [], [], false], new Uint8Array([5])];
    const message = [MessageType.Snap, 1, 2, 3, 0, 0, [], 0, 0, metadata, false, 0, null];
    made.call.write(CBOR.encode([1, "test", 0, 2, 1, [message]]));
    made.call.write(CBOR.encode([0, crc32c(bytes), bytes]));
    made.call.write(CBOR.encode([1_000, 0, new Uint8Array(0)]));
    made.call.end();
    await until("it is over", () => made.ended !== null);
    expect(made.ended).toMatchObject({ code: status.OK });
    expect(made.answers).toEqual([[]]);
    expect(Buffer.compare(recorder.stored[0]!, bytes)).toBe(0);
    expect(recorder.messages).toHaveLength(1);
  });

  it("is not told of groups, and whole messages are all it may send", async () => {
    const one = await startTransport(1, NOTHING, cleanup);
    const made = dial(one.address, CONTROL, OLDER);
    made.call.write(CBOR.encode([1, "test", 9, 2, 1, [heartbeat(2, 1, 4)]]));
    made.call.write(CBOR.encode([1, "test", 0, 2, 1, [heartbeat(2, 1, 4).slice(0, 5)]]));
    await until("it is refused", () => made.ended !== null);
    expect(made.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(made.answers).toHaveLength(1);
  });
});

describe("members without a version in common", () => {
  const refusal = "member 2 speaks versions 2 to 3 of the wire, member 1 1 to 1";

  it("refuse each other where the old one dials", async () => {
    const peer = await startPeer(TOO_NEW);
    const refused: { code: string; message: string }[] = [];
    const onRefused = ({ code, message }: { code: string; message: string }): void => {
      refused.push({ code, message });
    };
    const one = await startTransport(1, NOTHING, cleanup, { onRefused });
    one.transport.setPeers([{ id: 2, address: peer.address }]);
    await until("it is noticed", () => refused.length > 0);
    expect(refused[0]).toEqual({ code: "invalid-config", message: refusal });
    expect(peer.frames).toEqual([]);
  });

  it.each([CONTROL, SNAPSHOT])("refuse each other where the new one dials %s", async (path) => {
    const refused: string[] = [];
    const onRefused = ({ message }: { message: string }): void => void refused.push(message);
    const one = await startTransport(1, NOTHING, cleanup, { onRefused });
    const made = dial(one.address, path, TOO_NEW);
    await until("it is refused", () => made.ended !== null);
    expect(made.ended).toMatchObject({ code: status.FAILED_PRECONDITION, details: refusal });
    expect(refused).toEqual([refusal]);
  });
});
