import { RaftError } from "../../index.js";
import { type Disk, type DiskFile, errorCode, writeAll } from "../disk/disk.js";
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
  const sequences = await listSegments(disk, directory);
  const replay = new WalReplay(identity);
  let active: ActiveSegment | null = null;
  for (const sequence of sequences) {
    const newest = sequence === sequences.at(-1);
    const path = `${directory}/${segmentName(sequence)}`;
    const file = await openExisting(disk, path);
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

async function listSegments(disk: Disk, directory: string): Promise<number[]> {
  const sequences: number[] = [];
  for (const name of await disk.list(directory)) {
    const sequence = segmentSequence(name);
    if (sequence !== null) sequences.push(sequence);
    else if (name.endsWith(".tmp")) await disk.remove(`${directory}/${name}`);
  }
  sequences.sort((a, b) => a - b);
  for (const [at, sequence] of sequences.entries()) {
    const expected = sequences[0]! + at;
    if (sequence !== expected) {
      const message = `${directory}: segment ${segmentName(expected)} is missing`;
      throw new RaftError("corrupt", message);
    }
  }
  return sequences;
}

async function openExisting(disk: Disk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path, "existing");
  } catch (cause) {
    throw new RaftError("storage-failed", `${path}: ${errorCode(cause) ?? cause}`, { cause });
  }
}

/** A torn tail goes before anything is written after it: half of it might later look whole. */
async function zero(file: DiskFile, from: number, to: number): Promise<void> {
  await writeAll(file, new Uint8Array(to - from), from);
  await file.sync();
}
