import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { promisify } from "node:util";
import { type DecodedPacket, decode, encode, type OptAnswer, type RecordType } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DnsServer, startDnsServer } from "../src/index.js";
import { MemoryStore } from "../src/testing/index.js";

const DIG = "/usr/bin/dig";
const DOMAIN = "flotilla.local";

let store: MemoryStore;
let dns: DnsServer;
beforeEach(async () => {
  store = new MemoryStore();
});
afterEach(() => dns?.close());

const put = (path: string, record: object, lease?: bigint): Promise<void> =>
  store.put(
    `/skydns/local/flotilla/${path}`,
    JSON.stringify(record),
    lease === undefined ? {} : { lease },
  );

async function start(records: Record<string, object> = {}): Promise<void> {
  for (const [path, record] of Object.entries(records)) await put(path, record);
  dns = await startDnsServer(store);
}

interface AskOptions {
  readonly edns?: number;
  readonly ednsVersion?: number;
  readonly flags?: number;
}

function question(name: string, type: RecordType, options: AskOptions = {}): Buffer {
  const { edns, ednsVersion = 0, flags = 0x100 } = options;
  const opt: OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: edns ?? 0,
    extendedRcode: 0,
    ednsVersion,
    flags: 0,
    flag_do: false,
    options: [],
  };
  return encode({
    type: "query",
    id: 4711,
    flags,
    questions: [{ name, type, class: "IN" }],
    ...(edns === undefined ? {} : { additionals: [opt] }),
  });
}

/** A response with its code as dns-packet names it, which its types leave out. */
type Reply = DecodedPacket & { readonly rcode: string };

async function send(message: Buffer): Promise<Reply> {
  const socket = createSocket("udp4");
  try {
    socket.send(message, dns.port, dns.host);
    const [answer] = (await once(socket, "message", {
      signal: AbortSignal.timeout(5_000),
    })) as [Buffer];
    return decode(answer) as Reply;
  } finally {
    socket.close();
  }
}

const ask = (name: string, type: RecordType, options?: AskOptions): Promise<Reply> =>
  send(question(name, type, options));

const data = (packet: Reply): unknown[] =>
  (packet.answers ?? []).map((each) => ("data" in each ? each.data : undefined));

describe("names", () => {
  beforeEach(() =>
    start({
      "web/a": { host: "10.0.0.1", port: 80, ttl: 7, text: "hello" },
      "web/b": { host: "10.0.0.2", port: 81, ttl: 7 },
      "web/six": { host: "fd00::1", port: 80 },
      "db/east/a": { host: "10.0.1.1", port: 5432 },
      "db/west/a": { host: "10.0.2.1", port: 5432 },
      "old/x": { host: `web.${DOMAIN}` },
      "out/x": { host: "example.org", port: 443 },
      "loop/x": { host: `loop.${DOMAIN}` },
      "ring/x": { host: `ring2.${DOMAIN}` },
      "ring2/x": { host: `ring.${DOMAIN}` },
      "dns/apex/x": { host: "10.9.9.9" },
    }),
  );

  it("answers A and AAAA of a service and of one instance", async () => {
    const reply = await ask(`web.${DOMAIN}`, "A");
    expect(data(reply).sort()).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(reply).toMatchObject({ id: 4711, rcode: "NOERROR", flag_aa: true, flag_rd: true });
    expect(reply.answers?.[0]).toMatchObject({ name: `web.${DOMAIN}`, ttl: 7 });
    expect(data(await ask(`web.${DOMAIN}`, "AAAA"))).toEqual(["fd00::1"]);
    expect(data(await ask(`b.web.${DOMAIN}`, "A"))).toEqual(["10.0.0.2"]);
  });

  it("does not care for case, and repeats the question as it was asked", async () => {
    const reply = await ask("WeB.Flotilla.LOCAL", "A");
    expect(reply.questions?.[0]?.name).toBe("WeB.Flotilla.LOCAL");
    expect(reply.answers).toHaveLength(2);
  });

  it.each(["*", "any"])("lets %s stand for any one label", async (any) => {
    expect(data(await ask(`${any}.db.${DOMAIN}`, "A")).sort()).toEqual(["10.0.1.1", "10.0.2.1"]);
    expect(data(await ask(`a.${any}.db.${DOMAIN}`, "A"))).toHaveLength(2);
    expect((await ask(`b.${any}.db.${DOMAIN}`, "A")).rcode).toBe("NXDOMAIN");
  });

  it("answers TXT", async () => {
    expect(String(data(await ask(`web.${DOMAIN}`, "TXT"))[0])).toBe("hello");
  });

  it("follows host names within the domain, names others, and survives circles", async () => {
    const chain = (await ask(`old.${DOMAIN}`, "A")).answers ?? [];
    expect(chain.map(({ type }) => type)).toEqual(["CNAME", "A", "A"]);
    expect(data(await ask(`out.${DOMAIN}`, "A"))).toEqual(["example.org"]);
    expect((await ask(`loop.${DOMAIN}`, "A")).answers).toEqual([]);
    expect((await ask(`ring.${DOMAIN}`, "A")).answers).toHaveLength(8);
    expect(data(await ask(`old.${DOMAIN}`, "CNAME"))).toEqual([`web.${DOMAIN}`]);
  });

  it("answers SOA, NS and addresses of the domain itself", async () => {
    expect(data(await ask(DOMAIN, "SOA"))[0]).toMatchObject({ mname: `ns.dns.${DOMAIN}` });
    const ns = await ask(DOMAIN, "NS");
    expect(data(ns)).toEqual([`ns.dns.${DOMAIN}`]);
    expect(ns.additionals?.[0]).toMatchObject({ type: "A", data: "127.0.0.1" });
    expect(data(await ask(DOMAIN, "A"))).toEqual(["10.9.9.9"]);
  });

  it("tells no such name from no such record, each with SOA and negative TTL", async () => {
    const none = await ask(`nope.${DOMAIN}`, "A");
    expect(none.rcode).toBe("NXDOMAIN");
    const noRecord = await ask(`b.web.${DOMAIN}`, "TXT");
    expect(noRecord).toMatchObject({ rcode: "NOERROR", answers: [] });
    for (const reply of [none, noRecord, await ask(`web.${DOMAIN}`, "MX")]) {
      expect(reply.authorities?.[0]).toMatchObject({
        type: "SOA",
        name: DOMAIN,
        ttl: 5,
        data: { minimum: 5, serial: 12 },
      });
    }
  });

  it("refuses other names, and what is no ordinary question", async () => {
    expect(await ask("example.org", "A")).toMatchObject({ rcode: "REFUSED", flag_aa: false });
    expect((await ask("notflotilla.local", "A")).rcode).toBe("REFUSED");
    expect((await ask(`web.${DOMAIN}`, "A", { flags: 4 << 11 })).rcode).toBe("NOTIMP");
    const two = [1, 2].map(() => ({ name: `web.${DOMAIN}`, type: "A" as const }));
    expect((await send(encode({ type: "query", id: 1, questions: two }))).rcode).toBe("FORMERR");
    const badVersion = await ask(`web.${DOMAIN}`, "A", { edns: 1_232, ednsVersion: 1 });
    expect(badVersion.additionals?.[0]).toMatchObject({ type: "OPT", extendedRcode: 1 });
  });
});

describe("SRV", () => {
  it("shares the weight within a priority and adds the addresses", async () => {
    await start({
      "web/a": { host: "10.0.0.1", port: 80, weight: 300, priority: 1 },
      "web/b": { host: "fd00::2", port: 80, weight: 100, priority: 1 },
      "web/c": { host: "10.0.0.3", port: 80, weight: 1, priority: 5 },
      "web/d": { host: "10.0.0.4", port: 80, weight: 999, priority: 5 },
      "web/e": { host: "example.org", port: 443 },
      "web/noport": { host: "10.0.0.5" },
    });
    const reply = await ask(`web.${DOMAIN}`, "SRV", { edns: 1_232 });
    const found = data(reply) as { target: string; priority: number; weight: number }[];
    expect(
      found
        .map(({ target, priority, weight }) => [target, priority, weight])
        .sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    ).toEqual([
      [`a.web.${DOMAIN}`, 1, 75],
      [`b.web.${DOMAIN}`, 1, 25],
      [`c.web.${DOMAIN}`, 5, 1],
      [`d.web.${DOMAIN}`, 5, 99],
      ["example.org", 10, 100],
    ]);
    const extra = (reply.additionals ?? []).filter(({ type }) => type !== "OPT");
    expect(extra.map(({ name, type }) => `${name} ${type}`)).toEqual([
      `a.web.${DOMAIN} A`,
      `b.web.${DOMAIN} AAAA`,
      `c.web.${DOMAIN} A`,
      `d.web.${DOMAIN} A`,
    ]);
    expect(data(await ask(`d.web.${DOMAIN}`, "A"))).toEqual(["10.0.0.4"]);
  });

  it("answers the names of RFC 2782 by protocol", async () => {
    await start({
      "web/a": { host: "10.0.0.1", port: 80 },
      "web/b": { host: "10.0.0.1", port: 443, protocol: "udp" },
    });
    const ports = async (name: string): Promise<unknown[]> =>
      data(await ask(`${name}.${DOMAIN}`, "SRV")).map((each) => (each as { port: number }).port);
    expect(await ports("_web._tcp")).toEqual([80]);
    expect(await ports("_web._udp")).toEqual([443]);
    expect((await ask(`_web._sctp.${DOMAIN}`, "SRV")).rcode).toBe("NXDOMAIN");
    expect((await ask(`_no._tcp.${DOMAIN}`, "SRV")).rcode).toBe("NXDOMAIN");
  });

  it("spreads clients that take the first", async () => {
    await start({ "web/a": { host: "10.0.0.1" }, "web/b": { host: "10.0.0.2" } });
    const firsts = new Set<unknown>();
    for (let i = 0; i < 4; i++) firsts.add(data(await ask(`web.${DOMAIN}`, "A"))[0]);
    expect(firsts.size).toBe(2);
  });
});

describe("size", () => {
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`web/n${i}`, { host: `10.0.1.${i}`, port: 80 }]),
  );

  it("truncates over UDP by what the client can take, and not over TCP", async () => {
    await start(many);
    const plain = await ask(`web.${DOMAIN}`, "A");
    const edns = await ask(`web.${DOMAIN}`, "A", { edns: 4_096 });
    expect(plain.flag_tc && edns.flag_tc).toBe(true);
    expect(plain.answers!.length).toBeGreaterThan(5);
    expect(edns.answers!.length).toBeGreaterThan(plain.answers!.length);
    expect(edns.additionals?.[0]).toMatchObject({ type: "OPT", udpPayloadSize: 1_232 });
    const [whole] = await askTcp([question(`web.${DOMAIN}`, "SRV")]);
    expect(whole).toMatchObject({ flag_tc: false });
    expect(whole?.answers).toHaveLength(60);
    expect(whole?.additionals).toHaveLength(60);
  });
});

async function askTcp(messages: readonly Buffer[], split = false): Promise<Reply[]> {
  const socket = connect(dns.port, dns.host);
  const replies: Reply[] = [];
  for (const message of messages) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    const framed = Buffer.concat([length, message]);
    if (split) for (const byte of framed) socket.write(Buffer.from([byte]));
    else socket.write(framed);
  }
  let pending = Buffer.alloc(0);
  for await (const chunk of socket) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length > 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      replies.push(decode(pending.subarray(2, end)) as Reply);
      pending = pending.subarray(end);
    }
    if (replies.length === messages.length) break;
  }
  return replies;
}

describe("connections", () => {
  it("answers several messages of one connection, however they are cut", async () => {
    await start({ "web/a": { host: "10.0.0.1" } });
    const messages = ["web", "nope", "a.web"].map((name) => question(`${name}.${DOMAIN}`, "A"));
    const replies = await askTcp(messages, true);
    expect(replies.map(({ rcode }) => rcode)).toEqual(["NOERROR", "NXDOMAIN", "NOERROR"]);
  });

  it("are bounded in number and in silence, and end at junk", async () => {
    dns = await startDnsServer(store, { connectionsMax: 2, idleMs: 200 });
    const sockets = [1, 2, 3].map(() => connect(dns.port, dns.host));
    for (const socket of sockets) socket.on("error", () => {}).resume();
    const [third] = sockets.slice(2);
    await once(third!, "close");
    expect(sockets.slice(0, 2).map(({ destroyed }) => destroyed)).toEqual([false, false]);
    await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, "close")));
    const junk = connect(dns.port, dns.host).resume();
    junk.write(Buffer.from([0, 3, 1, 2, 3]));
    await once(junk, "close");
  });

  it("ignores datagrams that are no query, and goes on", async () => {
    await start({ "web/a": { host: "10.0.0.1" } });
    const socket = createSocket("udp4");
    const response = encode({ type: "response", id: 1, questions: [] });
    const pointerToItself = Buffer.from("000100000001000000000000c00c00010001", "hex");
    const junk = ["", "x", "\0".repeat(11), "\xff".repeat(64)].map((each) => Buffer.from(each));
    for (const each of [response, pointerToItself, ...junk]) socket.send(each, dns.port, dns.host);
    let answered = 0;
    socket.on("message", () => {
      answered += 1;
    });
    expect(data(await ask(`web.${DOMAIN}`, "A"))).toEqual(["10.0.0.1"]);
    // All zeroes but for a byte is too short; everything before it was read and dropped.
    expect(answered).toBe(0);
    socket.close();
  });

  it("says which port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    try {
      const error: unknown = await startDnsServer(store, { port }).catch((reason) => reason);
      expect(error).toMatchObject({
        code: "address-in-use",
        message: `DNS cannot listen on 127.0.0.1:${port} (TCP): another process has the port.`,
      });
      await start();
      await expect(startDnsServer(store, { port: dns.port })).rejects.toThrow("(UDP)");
    } finally {
      taken.close();
    }
    await expect(startDnsServer(store, { host: "localhost" })).rejects.toThrow("not an IP address");
  });
});

describe("the store", () => {
  it("is never asked by a query, and its changes show at once", async () => {
    await start({ "web/a": { host: "10.0.0.1" } });
    const before = { ...store.calls };
    for (let i = 0; i < 50; i++) await ask(`web.${DOMAIN}`, "A");
    expect(store.calls).toEqual(before);
    await put("web/b", { host: "10.0.0.2" });
    await expect.poll(async () => (await ask(`web.${DOMAIN}`, "A")).answers?.length).toBe(2);
  });

  it("may be away: answers go on, kept no longer than 30 s", async () => {
    await start({ "web/a": { host: "10.0.0.1" } });
    expect((await ask(`web.${DOMAIN}`, "A")).answers?.[0]).toMatchObject({ ttl: 300 });
    store.available = false;
    await expect.poll(() => dns.current).toBe(false);
    expect((await ask(`web.${DOMAIN}`, "A")).answers?.[0]).toMatchObject({
      ttl: 30,
      data: "10.0.0.1",
    });
  });

  it("may be away at the start: SERVFAIL until it comes", async () => {
    store.available = false;
    dns = await startDnsServer(store);
    expect((await ask(`web.${DOMAIN}`, "A")).rcode).toBe("SERVFAIL");
    store.available = true;
    await put("web/a", { host: "10.0.0.1" });
    await expect
      .poll(async () => (await ask(`web.${DOMAIN}`, "A")).rcode, { timeout: 8_000 })
      .toBe("NOERROR");
  });

  it("gives short TTLs to what its lease ends", async () => {
    const { id } = await store.leaseGrant(10);
    await put("web/a", { host: "10.0.0.1" }, id);
    await start();
    expect((await ask(`web.${DOMAIN}`, "A")).answers?.[0]).toMatchObject({ ttl: 10 });
  });
});

describe.skipIf(!existsSync(DIG))("dig (Debian's bind9-dnsutils)", () => {
  const run = promisify(execFile);
  const dig = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(DIG, ["@127.0.0.1", "-p", String(dns.port), "+tries=1", ...args]);
    return stdout;
  };

  it.each(["+notcp", "+tcp"])("understands the answers (%s)", async (transport) => {
    await start({
      "web/a": { host: "127.0.0.1", port: 8080, weight: 100, priority: 10, text: "hi" },
    });
    expect(await dig(transport, "+short", `web.${DOMAIN}`)).toBe("127.0.0.1\n");
    const srv = await dig(transport, `web.${DOMAIN}`, "SRV");
    expect(srv).toMatch(/status: NOERROR/);
    expect(srv).toContain("10 100 8080 a.web.flotilla.local.");
    expect(srv).toMatch(/ADDITIONAL SECTION:\na\.web\.flotilla\.local\.\s+300\s+IN\s+A\s+127/);
    expect(srv).not.toMatch(/malformed|extra bytes|Truncated/i);
    expect(await dig(transport, "+short", `web.${DOMAIN}`, "TXT")).toBe('"hi"\n');
    expect(await dig(transport, `no.${DOMAIN}`)).toMatch(/status: NXDOMAIN[\s\S]*\sSOA\s/);
    expect(await dig(transport, "example.org")).toMatch(/status: REFUSED/);
  });

  it("turns to TCP when an answer is truncated", async () => {
    const many = Array.from({ length: 100 }, (_, i) => [`web/n${i}`, { host: `10.0.2.${i}` }]);
    await start(Object.fromEntries(many) as Record<string, object>);
    const text = await dig("+short", `web.${DOMAIN}`);
    expect(
      text
        .trim()
        .split("\n")
        .filter((line) => line.startsWith("10.")),
    ).toHaveLength(100);
  });
});
