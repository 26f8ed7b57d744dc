import { strict as assert } from "node:assert";
import { RaftError } from "../../src/index.js";
import { MemoryDisk, type WalContent } from "../../src/node/index.js";
import { PieceParser } from "../../src/node/snapshot/pieces.js";
import { checkSnapshotHead, parseSnapshotHead } from "../../src/node/snapshot/snapshot-file.js";
import type { Damage } from "../../src/node/wal/damage.js";
import { WalReplay } from "../../src/node/wal/replay.js";
import { generator } from "../node/helpers.js";
import { IDENTITY, recordFolder } from "../node/recorded-folder.js";
import { type RecordedLog, recordLog } from "../node/recorded-log.js";
import { below, lyingPiece, mutated, type Random } from "./mutate.js";

/** What the readers may take for one file of some tens of KiB, in milliseconds and bytes. */
const SLOW_MS = 5000;
const GREEDY_BYTES = 64 * 1024 * 1024;

/** What the fuzz works on. */
export interface Corpus {
  readonly log: RecordedLog;
  readonly snapshot: Uint8Array;
}

export async function corpus(): Promise<Corpus> {
  const disk = new MemoryDisk();
  await recordFolder(disk, "data");
  const path = disk.paths().find((one) => one.endsWith(".snap"))!;
  return { log: await recordLog(), snapshot: disk.content(path) };
}

/**
 * One round: damages a log and a snapshot as the seed has it, and reads them. Throws where a reader
 * throws anything but its typed error, takes long, takes memory that a length asked for, or
 * gives something that no log can hold. Tells whether both were refused.
 */
export function fuzzRound({ log, snapshot }: Corpus, seed: number): boolean {
  const random = generator(seed);
  const begun = performance.now();
  const memory = process.memoryUsage().arrayBuffers;
  const logRefused = readLog(log, random);
  const snapshotRefused = readSnapshot(snapshot, random);
  const took = performance.now() - begun;
  assert(took < SLOW_MS, `seed ${seed}: it took ${Math.round(took)} ms`);
  const more = process.memoryUsage().arrayBuffers - memory;
  assert(more < GREEDY_BYTES, `seed ${seed}: it took ${more} bytes`);
  return logRefused && snapshotRefused;
}

function readLog({ segments }: RecordedLog, random: Random): boolean {
  const victim = below(random, segments.length);
  const other = segments[below(random, segments.length)]!.bytes;
  const damaged = segments.map((segment, at) =>
    at === victim || random() < 0.1
      ? { ...segment, bytes: mutated(random, segment.bytes, other) }
      : segment,
  );
  const damages: Damage[] = [];
  // As a start reads it, and as the tools do, which go on after damage.
  const strict = refused(() => checkContent(replay(damaged, new WalReplay(IDENTITY))));
  refused(() => replay(damaged, new WalReplay(null, (damage) => damages.push(damage))));
  for (const { offset, what, file } of damages) {
    assert(Number.isSafeInteger(offset) && what !== "" && file !== "");
  }
  return strict;
}

function replay(segments: RecordedLog["segments"], reader: WalReplay): WalContent {
  for (const { bytes, path, sequence } of segments) {
    reader.segment(bytes, path, sequence, sequence === segments.at(-1)!.sequence);
  }
  return reader.content();
}

/** Whatever was read must be a log. */
function checkContent({ base, entries, hardState, snapshots }: WalContent): void {
  const numbers = [base, ...Object.values(hardState), ...snapshots.flatMap(Object.values)];
  assert(numbers.every((value) => Number.isSafeInteger(value) && value >= 0));
  for (const [at, { index, term }] of entries.entries()) {
    assert.equal(index, base + 1 + at);
    assert(Number.isSafeInteger(term) && term >= 0);
  }
}

function readSnapshot(snapshot: Uint8Array, random: Random): boolean {
  const bytes = random() < 0.5 ? lyingPiece(random, snapshot) : mutated(random, snapshot, snapshot);
  return refused(() => {
    const parser = new PieceParser("f.snap", (head) => {
      const at = { index: 20, term: 2, clusterId: IDENTITY.clusterId };
      checkSnapshotHead(parseSnapshotHead(head, "f.snap"), "f.snap", at);
    });
    for (let at = 0; at < bytes.length; ) {
      const to = at + 1 + below(random, 5000);
      parser.add(bytes.subarray(at, to));
      at = to;
    }
    parser.finish();
  });
}

/** True where `read` ended by the error that it may end by. */
function refused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (RaftError.is(error) && ["corrupt", "wrong-cluster"].includes(error.code)) return true;
    throw error;
  }
}
