import { RaftError } from "../../src/index.js";
import { crc32c, MemoryDisk, Wal, type WalContent } from "../../src/node/index.js";
import { WalReplay } from "../../src/node/wal/replay.js";
import { IDENTITY, normal, recordFolder, SEGMENT_BYTES } from "./recorded-folder.js";

/** A segment as it lies on disk. */
export interface RecordedSegment {
  readonly path: string;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Segments of a log, oldest first; the last batch, of several sectors, is in the newest. */
export interface RecordedLog {
  readonly segments: readonly RecordedSegment[];
  /** What the log holds, and what it held before its last batch, in a word. */
  readonly whole: string;
  readonly withoutLast: string;
  /** Where the last batch begins and ends in the newest segment. */
  readonly lastBatch: { readonly from: number; readonly to: number };
}

export async function recordLog(): Promise<RecordedLog> {
  const disk = new MemoryDisk();
  await recordFolder(disk, "data");
  const { wal, content } = await Wal.open({
    disk,
    directory: "data/log",
    ...IDENTITY,
    segmentBytes: SEGMENT_BYTES,
  });
  // To the beginning of a segment, so that the last batch has room in it.
  let index = 61;
  for (const { length } = segmentsOf(disk); segmentsOf(disk).length === length; index++) {
    await wal.append({ entries: [normal(index)], sync: true });
  }
  const before = segmentsOf(disk);
  const hardState = { ...content.hardState, commit: index - 2 };
  const last = Array.from({ length: 5 }, (_, at) => normal(index + at));
  await wal.append({ entries: last, hardState, sync: true });
  const after = segmentsOf(disk);
  await wal.close();
  const newest = after.at(-1)!.bytes;
  const old = before.at(-1)!.bytes;
  if (before.length !== after.length) throw new Error("the last batch began a segment");
  const changed = [...newest.keys()].filter((at) => newest[at] !== old[at]);
  return {
    segments: after,
    whole: replayed(after),
    withoutLast: replayed(before),
    lastBatch: { from: changed[0]! & ~511, to: changed.at(-1)! + 1 },
  };
}

function segmentsOf(disk: MemoryDisk): RecordedSegment[] {
  const paths = disk.paths().filter((path) => path.endsWith(".wal"));
  return paths.map((path) => ({
    path,
    sequence: Number.parseInt(path.slice(-20, -4), 16),
    bytes: disk.content(path),
  }));
}

/** Reads segments as a start does, and gives what they hold in a word. @throws RaftError */
export function replayed(segments: readonly RecordedSegment[]): string {
  const replay = new WalReplay(IDENTITY);
  for (const segment of segments) {
    replay.segment(segment.bytes, segment.path, segment.sequence, segment === segments.at(-1));
  }
  return fingerprint(replay.content());
}

export function fingerprint({ base, hardState, entries, snapshots }: WalContent): string {
  let crc = 0;
  for (const { index, term, type, data } of entries) {
    crc = crc32c(Buffer.from(`${index} ${term} ${type} ${data.length} `), 0, undefined, crc);
    crc = crc32c(data, 0, data.length, crc);
  }
  return JSON.stringify([base, hardState, entries.length, crc, snapshots]);
}

/** What the log is with one segment's bytes replaced: in a word, or the error that refuses it. */
export function readWith(
  { segments }: RecordedLog,
  at: number,
  bytes: Uint8Array,
): string | RaftError {
  try {
    return replayed(segments.map((one, n) => (n === at ? { ...one, bytes } : one)));
  } catch (error) {
    if (RaftError.is(error)) return error;
    throw error;
  }
}
