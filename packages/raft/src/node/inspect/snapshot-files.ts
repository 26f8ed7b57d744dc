import { RaftError } from "../../index.js";
import { type Disk, namesIn } from "../disk/disk.js";
import { membersOf } from "../group/members.js";
import { PART, pointOfName, samePoint, snapshotName, WHOLE } from "../snapshot/names.js";
import { PieceParser, readPieces } from "../snapshot/pieces.js";
import {
  checkSnapshotHead,
  parseSnapshotHead,
  type SnapshotHead,
} from "../snapshot/snapshot-file.js";
import { type Damage, damageOf } from "../wal/damage.js";
import type { SnapshotPoint } from "../wal/types.js";
import type { IncomingReport, SnapshotReport } from "./types.js";

/** A snapshot's file, read to its end. */
export interface ReadSnapshot {
  readonly report: SnapshotReport;
  /** Null where it cannot be read. */
  readonly head: SnapshotHead | null;
  readonly damage: Damage | null;
}

/** All snapshots of a folder, newest first. */
export async function readSnapshotFiles(
  disk: Disk,
  directory: string,
  clusterId: string | null,
  marks: readonly SnapshotPoint[],
): Promise<ReadSnapshot[]> {
  const points = ((await namesIn(disk, directory)) ?? [])
    .map((name) => pointOfName(name, WHOLE))
    .filter((at) => at !== null)
    .sort((a, b) => b.index - a.index);
  const read: ReadSnapshot[] = [];
  for (const at of points) {
    const marked = marks.some((mark) => samePoint(mark, at));
    read.push(await readSnapshotFile(disk, directory, at, clusterId, marked));
  }
  return read;
}

/** What came in of a snapshot and is not whole. */
export async function readIncoming(disk: Disk, directory: string): Promise<IncomingReport[]> {
  const found: IncomingReport[] = [];
  for (const name of (await namesIn(disk, directory)) ?? []) {
    const at = pointOfName(name, PART);
    if (!at) continue;
    const file = `${directory}/${name}`;
    const { bytes } = await sizeOf(disk, file);
    found.push({ file, index: at.index, term: at.term, bytes });
  }
  return found;
}

async function readSnapshotFile(
  disk: Disk,
  directory: string,
  at: SnapshotPoint,
  clusterId: string | null,
  marked: boolean,
): Promise<ReadSnapshot> {
  const path = `${directory}/${snapshotName(at, WHOLE)}`;
  let head: SnapshotHead | null = null;
  const parser = new PieceParser(path, (piece) => {
    head = parseSnapshotHead(piece, path);
    checkSnapshotHead(head, path, { ...at, clusterId: clusterId ?? head.clusterId });
  });
  const { bytes, damage } = await sizeOf(disk, path, parser, at.index);
  const known = head as SnapshotHead | null;
  const members = known ? membersOf(known.snapshot) : [];
  const whole = damage === null;
  const { index, term } = at;
  return {
    report: { file: path, index, term, bytes, whole, marked, members },
    head: known,
    damage,
  };
}

/** Length of a file, and what a parser finds wrong in it. */
async function sizeOf(
  disk: Disk,
  path: string,
  parser: PieceParser | null = null,
  index = 0,
): Promise<{ bytes: number; damage: Damage | null }> {
  const file = await disk.open(path, "read");
  try {
    const bytes = await file.size();
    if (parser) {
      for await (const _piece of readPieces(file, path, parser)) {
        // Reading is the check.
      }
    }
    return { bytes, damage: null };
  } catch (error) {
    if (!RaftError.is(error)) throw error;
    const found = damageOf(error) ?? { file: path, offset: 0, what: error.message };
    return { bytes: await file.size(), damage: { ...found, index, kind: "corrupt" } };
  } finally {
    await file.close();
  }
}
