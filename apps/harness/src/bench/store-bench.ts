import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@flotilla/kv/client";
import { EtcdCluster } from "../cluster/etcd-cluster.js";
import { DEBIAN_ETCD, ETCD } from "../cluster/executables.js";
import { cpuSeconds } from "./cpu.js";
import { H2LOAD, h2load, putMessage, rangeMessage, writeBody } from "./h2load.js";

const LOADS = [
  { connections: 1, streams: 1, requests: 2_000 },
  { connections: 10, streams: 10, requests: 20_000 },
  { connections: 100, streams: 10, requests: 20_000 },
];
const ROUNDS = Number(process.env["ROUNDS"] ?? 3);

interface Sample {
  readonly perSecond: number;
  /** CPU seconds of all members for 10,000 requests. */
  readonly cpu: number;
}

interface Contender {
  readonly name: string;
  readonly cluster: EtcdCluster;
  readonly leader: string;
}

/**
 * `npm run bench -w @flotilla/harness`: our store and Debian's etcd side by side on this machine,
 * by turns, durable puts (counted by revision) and linearizable reads of a 256-byte value.
 * Ratios above 1 are in our favour. Single rates drift with the neighbours; compare ratios.
 */
async function main(): Promise<void> {
  for (const [path, name] of [
    [H2LOAD, "nghttp2-client"],
    [DEBIAN_ETCD, "etcd-server"],
  ] as const) {
    if (existsSync(path)) continue;
    console.error(`${path} is missing: apt-get install ${name}`);
    process.exit(1);
  }
  console.log(
    `medians of ${ROUNDS} alternated rounds; cpu is seconds for 10,000 requests, all members`,
  );
  for (const members of [1, 3]) await compare(members);
}

async function compare(members: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-bench-"));
  const put = writeBody(directory, "put", putMessage("bench", Buffer.alloc(256, 0x78)));
  const range = writeBody(directory, "range", rangeMessage("bench"));
  const contenders: Contender[] = [];
  try {
    contenders.push(await contender("flotilla", [process.execPath, ETCD], directory, members));
    contenders.push(await contender("etcd", [DEBIAN_ETCD], directory, members));
    for (const load of LOADS) {
      const shape = `${load.connections}×${load.streams}`;
      await row(`${members} members  put   ${shape}`, contenders, async (each) => {
        return measurePuts(each, { ...load, body: put });
      });
      await row(`${members} members  range ${shape}`, contenders, async (each) => {
        return measure(each, "Range", { ...load, body: range });
      });
    }
  } finally {
    for (const { cluster } of contenders) await cluster[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function contender(
  name: string,
  command: readonly [string, ...string[]],
  directory: string,
  members: number,
): Promise<Contender> {
  const cluster = await EtcdCluster.start({ directory: join(directory, name), members, command });
  await using client = connect({ endpoints: cluster.endpoints });
  await client.put("bench", "x");
  for (const endpoint of cluster.endpoints) {
    const { leader, memberId } = await client.status(endpoint);
    if (leader === memberId) return { name, cluster, leader: endpoint };
  }
  throw new Error(`${name} has no leader`);
}

interface Request {
  readonly requests: number;
  readonly connections: number;
  readonly streams: number;
  readonly body: string;
}

async function measure(each: Contender, method: string, request: Request): Promise<Sample> {
  const pids = each.cluster.members.map(({ process }) => process.pid);
  const before = cpuSeconds(pids);
  const url = `${each.leader}/etcdserverpb.KV/${method}`;
  const { perSecond, succeeded } = await h2load({ url, ...request });
  if (succeeded !== request.requests) {
    throw new Error(`${each.name}: ${succeeded} of ${request.requests} requests succeeded`);
  }
  return { perSecond, cpu: ((cpuSeconds(pids) - before) / request.requests) * 10_000 };
}

/** h2load counts HTTP answers, which gRPC errors are too: the revision tells how many puts there were. */
async function measurePuts(each: Contender, request: Request): Promise<Sample> {
  await using client = connect({ endpoints: [each.leader] });
  const { revision: before } = await client.range("bench");
  const sample = await measure(each, "Put", request);
  const { revision } = await client.range("bench");
  if (revision - before !== request.requests) {
    throw new Error(`${each.name}: ${revision - before} of ${request.requests} puts took effect`);
  }
  return sample;
}

async function row(
  label: string,
  contenders: readonly Contender[],
  sample: (each: Contender) => Promise<Sample>,
): Promise<void> {
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, each] of contenders.entries()) samples[i]?.push(await sample(each));
  }
  const [ours, theirs] = samples.map((list) => ({
    perSecond: median(list.map(({ perSecond }) => perSecond)),
    cpu: median(list.map(({ cpu }) => cpu)),
  })) as [Sample, Sample];
  const ratio = (ours.perSecond / theirs.perSecond).toFixed(2);
  console.log(
    `${label.padEnd(26)} flotilla ${ours.perSecond.toFixed(0).padStart(6)}/s cpu ${ours.cpu.toFixed(2)}` +
      `  etcd ${theirs.perSecond.toFixed(0).padStart(6)}/s cpu ${theirs.cpu.toFixed(2)}  ratio ${ratio}`,
  );
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

await main();
