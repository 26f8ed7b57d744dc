import { type Entry, type NodeId, RaftError, type Snapshot } from "../../index.js";
import type { Disk } from "../disk/disk.js";
import { NodeDisk } from "../disk/node-disk.js";
import type { Membership } from "../group/membership.js";
import { readFolder } from "../inspect/inspect-folder.js";
import { membershipAfter } from "../inspect/membership-after.js";
import type { FolderReport } from "../inspect/types.js";
import { SnapshotStore } from "../snapshot/snapshot-store.js";
import { lockFolder } from "../storage/lock.js";
import type { Member } from "../types.js";
import { damageError } from "../wal/damage.js";
import type { WalIdentity } from "../wal/types.js";
import { Wal } from "../wal/wal.js";
import { discardStaged, finishReplacement, replaceFiles, stagedFolder } from "./replacement.js";
import { soleMemberEntries } from "./sole-member.js";

/** Bytes of entries that are copied at once. */
const COPY_BYTES = 1024 * 1024;

export interface ForceNewClusterOptions {
  /** The member's folder, as in `RaftGroupOptions.storage`. */
  readonly directory: string;
  /** Whose folder it is now; another's is refused. */
  readonly clusterId: string;
  readonly id: NodeId;
  /** The new cluster's: another than that of any cluster there was. */
  readonly newClusterId: string;
  /** The real disk by default. */
  readonly disk?: Disk;
  /** As in `DirectoryStorage`. */
  readonly segmentBytes?: number;
}

/** What became of a cluster's last member. */
export interface ForcedCluster {
  readonly clusterId: string;
  /** False where an earlier call had done it, and only what a crash had left was done now. */
  readonly changed: boolean;
  /** Index of the last entry that is kept. */
  readonly lastIndex: number;
  /** So many entries at the end were not known to be committed; they count as committed now. */
  readonly uncommitted: number;
  /** The members that were lost. */
  readonly removed: readonly Member[];
}

/**
 * Makes a member whose cluster has lost its majority for good the only member of a new cluster,
 * with all that its log and snapshots hold. For a member that is stopped. Afterwards open it with
 * `newClusterId`, and add new members, with new IDs and empty folders.
 *
 * - Everything that this member has is kept, also entries that it did not know to be committed: an
 *   acknowledged command is among them, perhaps, and one that was never acknowledged. What was
 *   acknowledged while this member was cut off or behind is lost: recover the one whose log reaches
 *   furthest (`inspectFolder` tells).
 * - The old members that come back are refused, and refuse this one (`wrong-cluster`), so that there
 *   is no second majority beside it that anybody takes for the same cluster. Be sure that they are
 *   stopped all the same: what clients write to them is lost.
 * - A crash at any time leaves the old folder or the new one: call it again with the same options.
 *
 * @throws RaftError `storage-failed` while the member runs, `wrong-cluster`, `corrupt` where the member
 * would not start either, `invalid-config`, `disk-full` (it needs as much room again; the folder is
 * as before)
 *
 * @example
 * ```ts
 * const { removed } = await forceNewCluster({
 *   directory: "/var/lib/counter", clusterId: "counters", id: 2, newClusterId: "counters-2",
 * });
 * console.log(`alone now, without ${removed.map(({ id }) => id)}`);
 * ```
 */
export async function forceNewCluster(options: ForceNewClusterOptions): Promise<ForcedCluster> {
  const { directory, clusterId, newClusterId } = options;
  const disk = options.disk ?? new NodeDisk();
  if (clusterId === newClusterId || newClusterId === "") {
    throw new RaftError("invalid-config", "newClusterId must be another than clusterId");
  }
  const unlock = await lockFolder(disk, directory);
  try {
    await finishReplacement(disk, directory);
    const report = await readFolder(disk, directory, false);
    const { lastIndex } = report;
    if (report.clusterId === newClusterId && report.id === options.id) {
      return { clusterId: newClusterId, changed: false, lastIndex, uncommitted: 0, removed: [] };
    }
    checkFolder(report, options);
    const snapshots = await SnapshotStore.open(disk, `${directory}/snapshots`, clusterId);
    const found = await contentOf(report, snapshots);
    const removed = await stage(disk, options, snapshots, found);
    await replaceFiles(disk, directory);
    const uncommitted = lastIndex - Math.min(lastIndex, found.commit);
    return { clusterId: newClusterId, changed: true, lastIndex, uncommitted, removed };
  } finally {
    await unlock();
  }
}

function checkFolder(report: FolderReport, expected: WalIdentity): void {
  const { directory, clusterId, id } = report;
  const damage = report.damages.find(({ outcome }) => outcome === "refused");
  if (damage) throw damageError(damage);
  if (clusterId === expected.clusterId && id === expected.id) return;
  const message =
    clusterId === null
      ? `${directory} holds no log`
      : `${directory} belongs to member ${id} of cluster "${clusterId}"`;
  throw new RaftError(clusterId === null ? "invalid-config" : "wrong-cluster", message);
}

/** All that a member holds. */
interface Content {
  readonly snapshot: Snapshot | null;
  /** All after the snapshot. */
  readonly entries: readonly Entry[];
  readonly last: { readonly index: number; readonly term: number };
  readonly term: number;
  readonly commit: number;
  readonly membership: Membership;
}

async function contentOf(report: FolderReport, snapshots: SnapshotStore): Promise<Content> {
  const { base, hardState, lastIndex, lastTerm } = report;
  const at = report.snapshots.find(({ index, whole, marked }) => whole && marked && index >= base);
  const snapshot = at ? await snapshots.head(at) : null;
  const start = at?.index ?? 0;
  const entries = report.entries.filter(({ index }) => index > start);
  return {
    snapshot,
    entries,
    last: { index: lastIndex, term: lastTerm },
    term: hardState.term,
    commit: Math.max(hardState.commit, start),
    membership: membershipAfter(snapshot, entries),
  };
}

/** Makes the new files, durably; the old ones stay as they are. Returns who is removed. */
async function stage(
  disk: Disk,
  { directory, id, newClusterId, segmentBytes }: ForceNewClusterOptions,
  old: SnapshotStore,
  { snapshot, entries, last, term, membership }: Content,
): Promise<readonly Member[]> {
  const staged = stagedFolder(directory);
  const sole = soleMemberEntries(membership, id, { index: last.index + 1, term: term + 1 });
  try {
    const snapshots = await SnapshotStore.open(disk, `${staged}/snapshots`, newClusterId);
    if (snapshot) await snapshots.write(snapshot, old.state(snapshot.metadata));
    const room = new Room(directory);
    const { wal } = await Wal.open({
      disk,
      directory: `${staged}/log`,
      clusterId: newClusterId,
      id,
      onDiskFull: () => room.end(),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    });
    try {
      if (snapshot) {
        const { index, term: snapshotTerm } = snapshot.metadata;
        const at = { index, term: snapshotTerm };
        await room.while(wal.append({ snapshot: at, restart: true, sync: true }));
      }
      for (const part of inParts(entries)) {
        await room.while(wal.append({ entries: part, sync: true }));
      }
      const commit = last.index + sole.entries.length;
      const hardState = { term: term + 1, vote: id, commit };
      await room.while(wal.append({ entries: sole.entries, hardState, sync: true }));
    } finally {
      await wal.close();
    }
  } catch (error) {
    await discardStaged(disk, directory).catch(() => {});
    throw error;
  }
  return sole.removed;
}

/** The log waits for room on a full disk; here nobody would make any. */
class Room {
  readonly #ended: Promise<never>;
  end: () => void = () => {};

  constructor(directory: string) {
    this.#ended = new Promise((_, reject) => {
      const message = `${directory}: no space left for the new files beside the old ones`;
      this.end = () => reject(new RaftError("disk-full", message));
    });
    this.#ended.catch(() => {});
  }

  async while(work: Promise<void>): Promise<void> {
    work.catch(() => {});
    await Promise.race([work, this.#ended]);
  }
}

function* inParts(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let part: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    part.push(entry);
    bytes += entry.data.length;
    if (bytes < COPY_BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
