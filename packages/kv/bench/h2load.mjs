// Our store and Debian's etcd side by side, one member each, under h2load (Debian: nghttp2-client,
// etcd-server). Runs alternate and the median is taken: neighbours move single figures by a factor
// of two. Puts are checked by how far the revision grew. Usage: npm run bench -w @flotilla/kv
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { connect } from "../dist/client/index.js";

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SHAPES = [
  { connections: 1, streams: 1, requests: 2_000 },
  { connections: 10, streams: 10, requests: 20_000 },
  { connections: 100, streams: 10, requests: 20_000 },
];
const KEY = Buffer.from("bench-key");
const VALUE = Buffer.alloc(256, "x");

for (const program of ["/usr/bin/etcd", "/usr/bin/h2load"]) {
  if (existsSync(program)) continue;
  console.error(`${program} is missing: apt-get install etcd-server nghttp2-client`);
  process.exit(1);
}

/** A gRPC message: no compression, length, bytes. */
function frame(message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function freeUrl() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return `http://127.0.0.1:${port}`;
}

async function cpuSeconds(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function h2load(url, method, file, { connections, streams, requests }) {
  const { stdout } = await promisify(execFile)("h2load", [
    ...["-n", requests, "-c", connections, "-m", streams, "-t", 1].map(String),
    ...["-H", "content-type: application/grpc", "-H", "te: trailers", "-d", file],
    `${url}/etcdserverpb.KV/${method}`,
  ]);
  const rate = Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1]);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1]);
  if (succeeded !== requests) throw new Error(`${succeeded} of ${requests} succeeded`);
  return rate;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const directory = await mkdtemp(join(tmpdir(), "flotilla-bench-"));
const children = [];
try {
  const bodies = { Put: join(directory, "put"), Range: join(directory, "range") };
  const key = Buffer.concat([Buffer.from([0x0a, KEY.length]), KEY]);
  await writeFile(bodies.Put, frame(Buffer.concat([key, Buffer.from([0x12, 0x80, 0x02]), VALUE])));
  await writeFile(bodies.Range, frame(key));

  const urls = { ours: await freeUrl(), etcd: await freeUrl() };
  const member = new URL("./member.mjs", import.meta.url).pathname;
  const ours = spawn(process.execPath, [member, urls.ours, join(directory, "ours")]);
  children.push(ours);
  await once(ours.stdout, "data");
  const peer = await freeUrl();
  const etcd = spawn("/usr/bin/etcd", [
    `--data-dir=${directory}/etcd`,
    `--listen-client-urls=${urls.etcd}`,
    `--advertise-client-urls=${urls.etcd}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    "--log-level=error",
  ]);
  children.push(etcd);
  const clients = {
    ours: connect({ endpoints: [urls.ours], timeoutMs: 20_000 }),
    etcd: connect({ endpoints: [urls.etcd], timeoutMs: 20_000 }),
  };
  await clients.etcd.put(KEY, VALUE);
  await clients.ours.put(KEY, VALUE);
  const pids = { ours: ours.pid, etcd: etcd.pid };

  console.log("one member, 256-byte values, durable puts and linearizable reads, median req/s");
  console.log("                    etcd      ours   ratio   CPU s per 10,000 (etcd, ours)");
  for (const method of ["Put", "Range"]) {
    for (const shape of SHAPES) {
      const rates = { ours: [], etcd: [] };
      const cpu = { ours: 0, etcd: 0 };
      for (let round = 0; round < ROUNDS; round++) {
        for (const name of ["etcd", "ours"]) {
          const before = await clients[name].range(KEY);
          const cpuBefore = await cpuSeconds(pids[name]);
          rates[name].push(await h2load(urls[name], method, bodies[method], shape));
          cpu[name] += (await cpuSeconds(pids[name])) - cpuBefore;
          const { revision } = await clients[name].range(KEY);
          const grown = method === "Put" ? shape.requests : 0;
          if (revision !== before.revision + grown) throw new Error(`${name} lost puts`);
        }
      }
      const [theirs, own] = [median(rates.etcd), median(rates.ours)];
      const per = (name) => ((cpu[name] * 10_000) / (ROUNDS * shape.requests)).toFixed(2);
      console.log(
        `${method.padEnd(6)}${`${shape.connections}×${shape.streams}`.padEnd(8)}` +
          `${theirs.toFixed(0).padStart(10)}${own.toFixed(0).padStart(10)}` +
          `${(own / theirs).toFixed(2).padStart(8)}   ${per("etcd")}, ${per("ours")}`,
      );
    }
  }
  for (const client of Object.values(clients)) await client.close();
} finally {
  for (const child of children) {
    child.kill("SIGKILL");
    if (child.exitCode === null) await Promise.race([once(child, "exit"), sleep(2000)]);
  }
  await rm(directory, { recursive: true, force: true });
}
