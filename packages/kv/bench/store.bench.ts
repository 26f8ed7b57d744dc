import { performance } from "node:perf_hooks";
import { MvccStore } from "../src/store/mvcc-store.js";
import { WatchHub } from "../src/watch/watch-hub.js";

/** Figures of the store alone, without consensus or network: `npm run bench -- [keys]`. */

const KEYS = Number(process.argv[2] ?? 1_000_000);
const VALUE = new Uint8Array(256).fill(120);
const BATCH = 100;

const store = new MvccStore();
let index = 0;

function key(n: number): Uint8Array {
  return Buffer.from(`/registry/pods/namespace-${n % 100}/pod-${String(n).padStart(8, "0")}`);
}

function putAll(count: number, keyOf: (n: number) => Uint8Array): void {
  for (let first = 0; first < count; first += BATCH) {
    const entries = Array.from({ length: Math.min(BATCH, count - first) }, (_, at) => {
      index++;
      const request = { key: keyOf(first + at), value: VALUE };
      return { index, term: 1, command: { type: "put" as const, request } };
    });
    store.apply(entries);
  }
}

function measure(name: string, count: number, run: () => void): void {
  const start = performance.now();
  const before = process.cpuUsage();
  run();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const columns = [
    `${Math.round((count / ms) * 1000).toLocaleString("en")} /s`,
    `${ms.toFixed(0)} ms`,
    `${((user + system) / count).toPrecision(3)} CPU µs each`,
  ];
  console.log(name.padEnd(44), ...columns.map((column) => column.padStart(18)));
}

function memory(name: string): void {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const mib = [heapUsed, arrayBuffers, rss].map((bytes) => Math.round(bytes / 2 ** 20));
  console.log(`${name.padEnd(44)} heap ${mib[0]} MiB, buffers ${mib[1]} MiB, rss ${mib[2]} MiB`);
}

/** The longest single step of something done in steps. */
async function longest(name: string, steps: AsyncIterable<unknown>): Promise<void> {
  const start = performance.now();
  const before = process.cpuUsage();
  let last = start;
  const all: number[] = [];
  for await (const _ of steps) {
    await new Promise(setImmediate);
    const now = performance.now();
    all.push(now - last);
    last = now;
  }
  all.sort((a, b) => a - b);
  const { user } = process.cpuUsage(before);
  const columns = [
    `${(last - start).toFixed(0)} ms`,
    `${(user / 1000).toFixed(0)} ms CPU`,
    `step p50 ${all[all.length >> 1]!.toFixed(1)} ms`,
    `p99 ${all[Math.floor(all.length * 0.99)]!.toFixed(1)} ms`,
    `longest ${all.at(-1)!.toFixed(1)} ms`,
  ];
  console.log(name.padEnd(44), ...columns.map((column) => column.padStart(18)));
}

const shuffled = (n: number) => (n * 7_919_993) % KEYS;

memory("empty");
measure(`put ${KEYS} new keys in any order`, KEYS, () => putAll(KEYS, (n) => key(shuffled(n))));
memory("with them");
measure("put the same keys once more, half of them", KEYS / 2, () =>
  putAll(KEYS / 2, (n) => key(shuffled(n))),
);
measure("get one", 300_000, () => {
  for (let n = 0; n < 300_000; n++) store.range({ key: key(shuffled(n)) });
});
const end = Buffer.from("/registry0");
measure("range of 100", 20_000, () => {
  for (let n = 0; n < 20_000; n++) {
    store.range({ key: key(shuffled(n)), rangeEnd: end, limit: 100 });
  }
});
const past = store.revision - 1000;
measure("range of 100 at an older revision", 5000, () => {
  for (let n = 0; n < 5000; n++) {
    store.range({ key: key(shuffled(n)), rangeEnd: end, limit: 100, revision: past });
  }
});
measure("count everything", 100_000, () => {
  for (let n = 0; n < 100_000; n++) {
    store.range({ key: key(0), rangeEnd: end, countOnly: true });
  }
});
measure("compare and put", 200_000, () => {
  for (let n = 0; n < 200_000; n++) {
    index++;
    const at = key(shuffled(n));
    const compare = { key: at, target: "mod", result: "greater", revision: 0 } as const;
    const success = [{ type: "put", request: { key: at, value: VALUE } } as const];
    const request = { compare: [compare], success, failure: [] };
    store.apply([{ index, term: 1, command: { type: "txn", request } }]);
  }
});
measure("hash of everything, in one step", 1, () => store.hash(0));
await longest("snapshot", store.snapshot());
const copy = new MvccStore();
const start = performance.now();
await copy.restore(store.snapshot(), { index, term: 1 });
console.log(`${"snapshot and restore".padEnd(44)} ${(performance.now() - start).toFixed(0)} ms`);

async function* scrubSteps(): AsyncGenerator<void> {
  let isDone = false;
  store.scrubbed().then(() => {
    isDone = true;
  });
  while (!isDone) yield;
}
index++;
const compaction = { type: "compact", revision: store.revision, physical: false } as const;
store.apply([{ index, term: 1, command: compaction }]);
await longest("compact", scrubSteps());
memory("after compaction, two stores");

const hub = new WatchHub(store);
let delivered = 0;
const sink = {
  deliver: ({ events }: { events: readonly unknown[] }) => {
    delivered += events.length;
    return true;
  },
  ended: () => {},
};
for (let n = 0; n < 1000; n++) hub.watch({ key: key(1) }, sink);
measure("events to 1,000 watchers of one key", 5_000_000, () => putAll(5000, () => key(1)));
if (delivered !== 5_000_000) throw new Error(`${delivered} events were delivered`);
for (let n = 0; n < 10_000; n++) {
  hub.watch({ key: key(n), rangeEnd: Buffer.concat([key(n), Buffer.from("x")]) }, sink);
}
measure("put beside 10,000 interval watchers", 100_000, () => putAll(100_000, (n) => key(n)));
hub.close();
