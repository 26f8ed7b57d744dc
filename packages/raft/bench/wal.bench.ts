/**
 * Entries a second through the log at 1, 100 and 1,000 proposers, beside the disk's own rate of
 * writes with an fdatasync each, measured before and after: `npm run bench:wal -w @flotilla/raft`
 * (`-- FOLDER` for another disk). `VARIANTS=shipped` leaves out the two that are there to be compared
 * with: the fdatasync on the event loop, and writes and fdatasync in a worker thread. `SPAN_MS=1000`
 * a run, `ROUNDS=3` of each, of which the middle one is printed, `PROPOSERS=1,100,1000`.
 */
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { promisify } from "node:util";
import { EntryType } from "../src/index.js";
import { Wal } from "../src/node/index.js";
import { diskOf, VARIANTS, type Variant } from "./wal/disks.js";

const ENTRY_BYTES = 300;
/** Bytes that an entry of that size takes as a frame. */
const FRAME_BYTES = 336;
const SPAN_MS = Number(process.env["SPAN_MS"] ?? 1000);
const PROPOSERS = (process.env["PROPOSERS"] ?? "1,100,1000").split(",").map(Number);
const ROUNDS = Number(process.env["ROUNDS"] ?? 3);
const RAW_MS = SPAN_MS / 3;
const WARM_MS = 400;
const wanted = process.env["VARIANTS"]?.split(",") ?? VARIANTS;

/** One run in numbers, as they are printed. */
type Measured = Record<string, number>;

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "raft-bench-"));
try {
  await rawSyncs();
  const rows: Row[] = [];
  for (const proposers of PROPOSERS) rows.push(...(await compare(proposers)));
  console.table(rows);
} finally {
  rmSync(folder, { recursive: true });
}

type Row = Readonly<Record<string, number | string>>;

/** Each variant in turn, several times, since other work comes and goes: the median run of each. */
async function compare(proposers: number): Promise<Row[]> {
  const variants = VARIANTS.filter((one) => wanted.includes(one));
  const runs = new Map(variants.map((variant) => [variant, [] as Measured[]]));
  for (let round = 0; round < ROUNDS; round++) {
    // Each comes first once: what one leaves to the disk is met by the next.
    variants.push(variants.shift()!);
    for (const variant of variants) {
      const before = await rawSyncs();
      const measured = await walEntries(proposers, variant);
      const raw = Math.round((before + (await rawSyncs())) / 2);
      runs.get(variant)!.push({ ...measured, "raw/s": raw });
    }
  }
  return VARIANTS.filter((one) => wanted.includes(one)).map((variant) => {
    const sorted = runs.get(variant)!.sort((a, b) => a["entries/s"]! - b["entries/s"]!);
    return { proposers, variant, ...sorted[ROUNDS >> 1]! };
  });
}

/** Writes of 2 KiB with an fdatasync each, a second. */
async function rawSyncs(): Promise<number> {
  const fd = openSync(join(folder, "raw"), "w");
  const block = new Uint8Array(2048).fill(1);
  for (let at = 0; at < 1024; at++) writeSync(fd, block, 0, block.length, at * block.length);
  const sync = promisify(fdatasync);
  await sync(fd);
  const begun = performance.now();
  let count = 0;
  while (performance.now() < begun + RAW_MS) {
    writeSync(fd, block, 0, block.length, (count++ % 1024) * block.length);
    await sync(fd);
  }
  closeSync(fd);
  return (count * 1000) / (performance.now() - begun);
}

async function walEntries(proposers: number, variant: Variant): Promise<Measured> {
  const disk = diskOf(variant);
  const directory = join(folder, `${variant}-${proposers}`);
  const { wal } = await Wal.open({ disk, directory, clusterId: "bench", id: 1 });
  const data = new Uint8Array(ENTRY_BYTES).fill(7);
  // The first spare is made and the worker is up before anything is counted.
  await wal.append({ entries: [{ index: 1, term: 1, type: EntryType.Normal, data }], sync: true });
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  disk.batches.bytes.length = 0;
  let index = 1;
  let done = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begun = performance.now();
  const end = begun + SPAN_MS;
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
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  await wal.close();
  await disk.close();
  rmSync(directory, { recursive: true });
  const bytes = disk.batches.bytes.sort((a, b) => a - b);
  const entriesOf = (size: number): number => Math.floor(size / FRAME_BYTES);
  const median = bytes[bytes.length >> 1] ?? 0;
  const largest = bytes.at(-1) ?? 0;
  return {
    "entries/s": Math.round(done / seconds),
    "batches/s": Math.round(bytes.length / seconds),
    "entries p50": entriesOf(median),
    "entries max": entriesOf(largest),
    "KiB p50": Math.round(median / 1024),
    "KiB max": Math.round(largest / 1024),
    // Without a sample the loop was not left once in the whole span.
    "loop p99 ms": delay.count > 0 ? inMs(delay.percentile(99)) : Math.round(seconds * 1000),
    "loop max ms": delay.count > 0 ? inMs(delay.max) : Math.round(seconds * 1000),
    "CPU µs/entry": Number(((user + system) / done).toFixed(1)),
  };
}

function inMs(nanoseconds: number): number {
  return Number((nanoseconds / 1e6).toFixed(1));
}
