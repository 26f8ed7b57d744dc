// Time from asking for /bin/true to its exit: through the helper, beside child_process.spawn, with
// a small heap and with 500 MB. The two alternate, so that both see the same machine.
//
//   npm run build && npm run bench        ROUNDS=200 for more rounds
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime } from "@flotilla/container";

const ROUNDS = Number(process.env.ROUNDS ?? 100);
const HEAP_BYTES = 500 << 20;

const directory = await mkdtemp(join(tmpdir(), "flotilla-bench-"));
const runtime = await createRuntime({ directory });
const sandbox = await runtime.create({ id: "bench.service", notify: false });
const spec = { path: "/bin/true", argv: ["true"], environment: {} };

async function throughHelper() {
  const running = await sandbox.exec(spec);
  await running.exited;
}

function throughSpawn() {
  return new Promise((resolve, reject) => {
    const options = { stdio: ["ignore", "pipe", "pipe"], env: {} };
    spawn("/bin/true", [], options).on("error", reject).on("close", resolve);
  });
}

/** Milliseconds a start takes, and of those how long the event loop stood still at a stretch. */
async function timed(start) {
  const began = performance.now();
  const done = start();
  const blocked = performance.now() - began;
  await done;
  return { total: performance.now() - began, blocked };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function compare(title) {
  const helper = [];
  const plain = [];
  for (let round = 0; round < ROUNDS + 5; round++) {
    const [viaHelper, viaSpawn] = [await timed(throughHelper), await timed(throughSpawn)];
    if (round < 5) continue;
    helper.push(viaHelper);
    plain.push(viaSpawn);
  }
  for (const [name, results] of Object.entries({ helper, "child_process.spawn": plain })) {
    const total = median(results.map((result) => result.total)).toFixed(2);
    const blocked = median(results.map((result) => result.blocked)).toFixed(2);
    console.log(
      `${title.padEnd(12)} ${name.padEnd(20)} median ${total} ms, loop blocked ${blocked} ms`,
    );
  }
}

console.log(`cgroups: ${runtime.cgroups}, ${ROUNDS} rounds`);
await compare("small heap");
const ballast = [];
for (let bytes = 0; bytes < HEAP_BYTES; bytes += 1 << 20) ballast.push(Buffer.alloc(1 << 20, 1));
await compare("500 MB heap");
console.log(`(ballast: ${ballast.length} MiB)`);
await sandbox.delete();
await runtime[Symbol.asyncDispose]();
await rm(directory, { recursive: true, force: true });
