import { RaftError } from "../../index.js";
import { type Disk, type DiskFile, errorCode, writeAll } from "../disk/disk.js";
import { type Damage, refuseCorrupt } from "./damage.js";
import { WalReplay } from "./replay.js";
import { readSegment, type Segment, segmentName, segmentSequence } from "./segment.js";
import type { WalIdentity } from "./types.js";

/** The newest segment, where writing goes on. */
export interface ActiveSegment extends Segment {
  readonly sequence: number;
  readonly nonce: number;
  /** Where the next batch goes. */
  offset: number;
}

/** Reads all segments of a folder, repairs a torn tail, and leaves the newest open for writing. */
export async function openSegments(
  disk: Disk,
  directory: string,
  identity: WalIdentity,
): Promise<{ replay: WalReplay; active: ActiveSegment | null }> {
  await disk.makeDirectory(directory);
  const names = await disk.list(directory);
  for (const name of names) {
    if (name.endsWith(".tmp")) await disk.remove(`${directory}/${name}`);
  }
  const replay = new WalReplay(identity);
  let active: ActiveSegment | null = null;
  const sequences = sequencesOf(names, directory, refuseCorrupt);
  for (const sequence of sequences) {
    const newest = sequence === sequences.at(-1);
    const path = `${directory}/${segmentName(sequence)}`;
    const file = await openExisting(disk, path, "existing");
    try {
      const bytes = await readSegment(file);
      const { end, nonce, torn } = replay.segment(bytes, path, sequence, newest);
      if (torn) await zero(file, end, bytes.length);
      if (newest) active = { file, path, size: bytes.length, sequence, nonce, offset: end };
    } finally {
      if (!active) await file.close();
    }
  }
  return { replay, active };
}

/** Reads all segments of a folder and changes nothing; goes on after what `onDamage` lets pass. */
export async function readSegments(
  disk: Disk,
  directory: string,
  names: readonly string[],
  onDamage: (damage: Damage) => void,
): Promise<WalReplay> {
  const replay = new WalReplay(null, onDamage);
  const sequences = sequencesOf(names, directory, onDamage);
  for (const sequence of sequences) {
    const path = `${directory}/${segmentName(sequence)}`;
    const file = await openExisting(disk, path, "read");
    try {
      const bytes = await readSegment(file);
      replay.segment(bytes, path, sequence, sequence === sequences.at(-1));
    } finally {
      await file.close();
    }
  }
  return replay;
}

/** The segments among the names of a folder, oldest first; one that is missing between is damage. */
function sequencesOf(
  names: readonly string[],
  directory: string,
  onDamage: (damage: Damage) => void,
): number[] {
  const sequences = names.map(segmentSequence).filter((sequence) => sequence !== null);
  sequences.sort((a, b) => a - b);
  for (const [at, sequence] of sequences.entries()) {
    const expected = at === 0 ? sequence : sequences[at - 1]! + 1;
    if (sequence === expected) continue;
    const file = `${directory}/${segmentName(expected)}`;
    onDamage({ file, offset: 0, index: 0, kind: "corrupt", what: "this segment is missing" });
  }
  return sequences;
}

async function openExisting(
  disk: Disk,
  path: string,
  mode: "existing" | "read",
): Promise<DiskFile> {
  try {
    return await disk.open(path, mode);
  } catch (cause) {
    throw new RaftError("storage-failed", `${path}: ${errorCode(cause) ?? cause}`, { cause });
  }
}

/** A torn tail goes before anything is written after it: half of it might later look whole. */
async function zero(file: DiskFile, from: number, to: number): Promise<void> {
  await writeAll(file, new Uint8Array(to - from), from);
  await file.sync();
}
