import { type Entry, EntryType, RaftError } from "../../index.js";
import { type Disk, namesIn } from "../disk/disk.js";
import { NodeDisk } from "../disk/node-disk.js";
import { isReplacing } from "../recovery/replacement.js";
import { tryLockFolder } from "../storage/lock.js";
import type { Damage } from "../wal/damage.js";
import { readSegments } from "../wal/open.js";
import type { SegmentSummary } from "../wal/replay.js";
import { segmentSequence } from "../wal/segment.js";
import { judge } from "./damages.js";
import { findFolder } from "./find-folder.js";
import { membershipAfter } from "./membership-after.js";
import { type ReadSnapshot, readIncoming, readSnapshotFiles } from "./snapshot-files.js";
import type { FolderReport, InspectOptions, MembershipReport, SegmentReport } from "./types.js";

/**
 * Reads every byte of a member's folder, or of the one that a program keeps in its data directory,
 * and tells what is in it and what is wrong with it. Changes nothing.
 *
 * @throws RaftError `invalid-config` where there is no such folder, `storage-failed` where it cannot
 * be read
 *
 * @example
 * ```ts
 * const { hardState, damages } = await inspectFolder("/var/lib/counter");
 * console.log(hardState.commit, damages.map(({ file, offset, what }) => `${file}:${offset} ${what}`));
 * ```
 */
export async function inspectFolder(
  directory: string,
  options: InspectOptions = {},
): Promise<FolderReport> {
  const disk = options.disk ?? new NodeDisk();
  const folder = await findFolder(disk, directory);
  const unlock = await tryLockFolder(disk, folder);
  try {
    return await readFolder(disk, folder, unlock === null);
  } finally {
    await unlock?.();
  }
}

/** As {@link inspectFolder}, of a folder that is known to be one; `inUse` is passed on. */
export async function readFolder(
  disk: Disk,
  directory: string,
  inUse: boolean,
): Promise<FolderReport> {
  if (await isReplacing(disk, directory)) {
    const message = "making it a new cluster was cut off, and is finished at the next start";
    throw new RaftError("storage-failed", `${directory}: ${message}`);
  }
  const found: Damage[] = [];
  const log = `${directory}/log`;
  const names = (await namesIn(disk, log)) ?? [];
  const replay = await readSegments(disk, log, names, (damage) => found.push(damage));
  const content = replay.content();
  const clusterId = replay.identity?.clusterId ?? null;
  const kept = `${directory}/snapshots`;
  const snapshots = await readSnapshotFiles(disk, kept, clusterId, content.snapshots);
  const hasLog = names.some((name) => segmentSequence(name) !== null);
  const { last } = replay;
  const { start, damages } = judge({ directory, hasLog, content, last, found, snapshots });
  const refused = damages.some(({ outcome }) => outcome === "refused");
  return {
    directory,
    inUse,
    clusterId,
    id: replay.identity?.id ?? null,
    hardState: content.hardState,
    base: content.base,
    lastIndex: last.index,
    lastTerm: last.term,
    segments: replay.segments.map(segmentReport),
    snapshots: snapshots.map(({ report }) => report),
    incoming: await readIncoming(disk, kept),
    membership: membershipReport(start, refused ? [] : content.entries, content.hardState.commit),
    entries: content.entries,
    damages,
  };
}

function segmentReport(segment: SegmentSummary): SegmentReport {
  const { path, sequence, bytes, end, batches, frames, firstIndex, lastEntry } = segment;
  return {
    file: path,
    sequence,
    bytes,
    used: end,
    batches,
    frames,
    firstIndex,
    lastIndex: lastEntry,
  };
}

function membershipReport(
  start: ReadSnapshot | null,
  entries: readonly Entry[],
  commit: number,
): MembershipReport {
  const snapshot = start?.head?.snapshot ?? null;
  const after = snapshot?.metadata.index ?? 0;
  const known = entries.filter(({ index }) => index > after && index <= commit);
  const membership = membershipAfter(snapshot, known);
  const isChange = ({ type, index }: Entry): boolean =>
    index > Math.max(after, commit) && type !== EntryType.Normal;
  return {
    confState: membership.confState,
    members: membership.list(),
    uncommitted: entries.filter(isChange).map(({ index }) => index),
  };
}
