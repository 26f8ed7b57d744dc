/**
 * Puts and linearizable reads a second of three members over loopback gRPC, each with a disk log
 * and an event loop of its own (a worker thread): `node ../../scripts/run-typescript.mjs bench/group.bench.ts [FOLDER]`.
 * The load runs in the leader's thread, or with `follower` as the second argument in another's;
 * with `one` there is a single member. A first load that is not counted warms the process up: cold, a
 * put costs three times the CPU.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { GrpcTransport, type Member, RaftGroup } from "../src/node/index.js";

const VALUE_BYTES = 256;
const SPAN_MS = 3_000;
const WARM_UP_MS = 5_000;

interface Setup {
  readonly id: number;
  readonly directory: string;
  readonly onFollower: boolean;
}

if (isMainThread) await main();
else await member(workerData as Setup);

async function main(): Promise<void> {
  const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "raft-bench-"));
  const ids = process.argv[3] === "one" ? [1] : [1, 2, 3];
  const workers = ids.map((id) => {
    const onFollower = process.argv[3] === "follower";
    const setup: Setup = { id, directory: join(folder, `${id}`), onFollower };
    return new Worker(new URL(import.meta.url), { workerData: setup });
  });
  const answer = <T>(worker: Worker): Promise<T> =>
    new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  const ports = await Promise.all(workers.map((worker) => answer<number>(worker)));
  const ended = Promise.race(workers.map((worker) => answer<string>(worker)));
  for (const worker of workers) worker.postMessage(ports);
  console.log(await ended);
  await Promise.all(workers.map((worker) => worker.terminate()));
  rmSync(folder, { recursive: true });
}

async function member({ id, directory, onFollower }: Setup): Promise<void> {
  const listen = [{ host: "127.0.0.1", port: 0 }];
  const transport = new GrpcTransport({ clusterId: "bench", id, listen });
  await transport.bind();
  const ports = new Promise<number[]>((resolve) => parentPort!.once("message", resolve));
  parentPort!.postMessage(transport.addresses[0]!.port);
  const members = (await ports).map((port, at): Member => {
    const address = `127.0.0.1:${port}`;
    return { id: at + 1, address, context: new Uint8Array(), learner: false };
  });
  const group = await RaftGroup.open<Uint8Array, number>({
    id,
    clusterId: "bench",
    members,
    storage: { directory },
    transport,
    codec: { encode: (bytes) => bytes, decode: (bytes) => bytes },
    stateMachine: {
      apply: (entries) => entries.map(({ index }) => index),
      snapshot: async function* () {},
      restore: async () => {},
    },
  });
  let begun = false;
  const led = async (): Promise<void> => {
    const { leader } = group.status();
    const follower = leader === 1 ? 2 : 1;
    if (begun || leader === 0 || id !== (onFollower ? follower : leader)) return;
    begun = true;
    parentPort!.postMessage(await load(group));
  };
  group.on("leader", () => void led());
  await led();
}

async function load(group: RaftGroup<Uint8Array, number>): Promise<string> {
  const lines: string[] = [];
  const value = new Uint8Array(VALUE_BYTES);
  await measure("warm-up", 50, () => group.propose(value), WARM_UP_MS);
  for (const clients of [1, 100, 1_000]) {
    lines.push(await measure(`puts, ${clients} proposers`, clients, () => group.propose(value)));
    lines.push(await measure(`reads, ${clients} readers`, clients, () => group.readBarrier()));
  }
  return lines.join("\n");
}

async function measure(
  what: string,
  clients: number,
  work: () => Promise<unknown>,
  spanMs = SPAN_MS,
): Promise<string> {
  const end = performance.now() + spanMs;
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const at = (part: number): string => times[Math.floor(times.length * part)]!.toFixed(2);
  const cost = (user + system) / 1e6 / (times.length / 10_000);
  const rate = Math.round((times.length * 1000) / spanMs);
  return `${what}: ${rate}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${cost.toFixed(2)} CPU s per 10,000`;
}
