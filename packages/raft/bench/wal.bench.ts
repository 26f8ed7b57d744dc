/**
 * Entries a second through the log at 1, 100 and 1,000 proposers, beside the disk's own rate of
 * writes with an fdatasync each: `node ../../scripts/run-typescript.mjs bench/wal.bench.ts [FOLDER]`.
 */
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EntryType } from "../src/index.js";
import { NodeDisk, Wal } from "../src/node/index.js";

const ENTRY_BYTES = 300;
const SPAN_MS = 3_000;

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "raft-bench-"));
try {
  const before = await rawSyncs();
  console.log(`raw write of 2 KiB + fdatasync: ${Math.round(before)}/s`);
  for (const proposers of [1, 100, 1_000]) await walEntries(proposers);
  console.log(`raw again: ${Math.round(await rawSyncs())}/s`);
} finally {
  rmSync(folder, { recursive: true });
}

async function rawSyncs(): Promise<number> {
  const fd = openSync(join(folder, "raw"), "w");
  const block = new Uint8Array(2048).fill(1);
  for (let at = 0; at < 1024; at++) writeSync(fd, block, 0, block.length, at * block.length);
  const sync = promisify(fdatasync);
  await sync(fd);
  const end = performance.now() + SPAN_MS;
  let count = 0;
  while (performance.now() < end) {
    writeSync(fd, block, 0, block.length, (count++ % 1024) * block.length);
    await sync(fd);
  }
  closeSync(fd);
  return (count * 1000) / SPAN_MS;
}

async function walEntries(proposers: number): Promise<void> {
  const disk = new NodeDisk();
  const directory = join(folder, `wal-${proposers}`);
  const { wal } = await Wal.open({ disk, directory, clusterId: "bench", id: 1 });
  const data = new Uint8Array(ENTRY_BYTES).fill(7);
  let index = 0;
  let done = 0;
  const end = performance.now() + SPAN_MS;
  const cpu = process.cpuUsage();
  const propose = async (): Promise<void> => {
    while (performance.now() < end) {
      const entry = { index: ++index, term: 1, type: EntryType.Normal, data };
      await wal.append({ entries: [entry], sync: true });
      done++;
      // The log behind is not needed here; without this the bench would fill the disk.
      if (done % 100_000 === 0) void wal.release(done - 1);
    }
  };
  await Promise.all(Array.from({ length: proposers }, propose));
  const { user, system } = process.cpuUsage(cpu);
  const rate = (done * 1000) / SPAN_MS;
  const cost = (user + system) / 1e6 / (done / 10_000);
  console.log(
    `${proposers} proposers: ${Math.round(rate)} entries/s, ${cost.toFixed(3)} CPU s per 10,000`,
  );
  await wal.close();
}
