import {
  ConfChangeTransition,
  ConfChangeType,
  type Entry,
  EntryType,
  encodeConfChange,
  type HardState,
  RaftError,
  type Snapshot,
} from "../../index.js";
import { type Disk, namesIn } from "../disk/disk.js";
import { MemoryDisk } from "../disk/memory-disk.js";
import { NodeDisk } from "../disk/node-disk.js";
import { encodeChangeContext } from "../group/membership.js";
import { NO_LOG } from "../inspect/damages.js";
import type { RaftGroupOptions } from "../options.js";
import { finishReplacement } from "../recovery/replacement.js";
import { SnapshotStore } from "../snapshot/snapshot-store.js";
import type { Member } from "../types.js";
import { segmentSequence } from "../wal/segment.js";
import { type DurableLog, type SnapshotPoint, VolatileLog, type WalContent } from "../wal/types.js";
import { Wal } from "../wal/wal.js";
import { lockFolder } from "./lock.js";
import { MemberLog } from "./member-log.js";

/** All that a member keeps, opened: ready for the core. */
export interface OpenedStorage {
  readonly log: DurableLog;
  readonly snapshots: SnapshotStore;
  /** The log as the core reads it, in memory. */
  readonly memory: MemberLog;
  readonly hardState: HardState;
  /** What the state machine is to be restored from; null when it starts empty. */
  readonly snapshot: Snapshot | null;
  /** Snapshots that the log knows of, oldest first. */
  readonly marks: readonly SnapshotPoint[];
  /** Closes the log and lets others into the folder. */
  readonly close: () => Promise<void>;
}

type Loaded = Omit<OpenedStorage, "close">;

type Options = Pick<
  RaftGroupOptions<never, never>,
  "id" | "clusterId" | "members" | "join" | "storage"
>;

/** Opens a member's folder, or makes one; an empty one is given the first members unless it joins. */
export async function openStorage(
  options: Options,
  onDiskFull: (full: boolean) => void,
): Promise<OpenedStorage> {
  const { clusterId, id, storage } = options;
  if (storage === "memory") {
    const snapshots = await SnapshotStore.open(new MemoryDisk(), "snapshots", clusterId);
    const log = new VolatileLog();
    const close = async (): Promise<void> => await snapshots.close();
    return { ...(await startEmpty(options, log, snapshots)), close };
  }
  const disk: Disk = storage.disk ?? new NodeDisk();
  const { directory } = storage;
  await disk.makeDirectory(directory);
  const unlock = await lockFolder(disk, directory);
  try {
    await finishReplacement(disk, directory);
    const snapshots = await SnapshotStore.open(disk, `${directory}/snapshots`, clusterId);
    await checkLog(disk, directory, snapshots);
    const sized = storage.segmentBytes ? { segmentBytes: storage.segmentBytes } : {};
    const settings = { disk, directory: `${directory}/log`, clusterId, id, onDiskFull, ...sized };
    const { wal, content } = await Wal.open(settings);
    const close = async (): Promise<void> => {
      await Promise.all([wal.close(), snapshots.close()]);
      await unlock();
    };
    try {
      const loaded = isEmpty(content)
        ? await startEmpty(options, wal, snapshots)
        : await load(content, wal, snapshots, directory);
      return { ...loaded, close };
    } catch (error) {
      await wal.close();
      throw error;
    }
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function checkLog(disk: Disk, directory: string, snapshots: SnapshotStore): Promise<void> {
  const log = await namesIn(disk, `${directory}/log`);
  if (log?.some((name) => segmentSequence(name) !== null)) return;
  if ((await snapshots.list()).length === 0) return;
  throw new RaftError("corrupt", `${directory}/log: ${NO_LOG}`);
}

/** A crash may come between the making of the log and its first entries. */
function isEmpty({ fresh, base, entries, hardState, snapshots }: WalContent): boolean {
  const nothing = base === 0 && entries.length === 0 && snapshots.length === 0;
  return fresh || (nothing && hardState.term === 0);
}

async function startEmpty(
  options: Options,
  log: DurableLog,
  snapshots: SnapshotStore,
): Promise<Loaded> {
  const memory = new MemberLog();
  if (options.join) {
    const hardState = { term: 0, vote: 0, commit: 0 };
    return { log, snapshots, memory, hardState, snapshot: null, marks: [] };
  }
  if (options.members.length === 0) {
    throw new RaftError("invalid-config", "members is empty: give the first members, or join");
  }
  const entries = [...options.members].sort((a, b) => a.id - b.id).map(firstEntry);
  const hardState = { term: 1, vote: 0, commit: entries.length };
  await log.append({ entries, hardState, sync: true });
  memory.append(entries);
  memory.setHardState(hardState);
  return { log, snapshots, memory, hardState, snapshot: null, marks: [] };
}

/** Each first member is an entry that is committed from the start, the same on all of them. */
function firstEntry(member: Member, at: number): Entry {
  const type = member.learner ? ConfChangeType.AddLearnerNode : ConfChangeType.AddNode;
  const data = encodeConfChange({
    transition: ConfChangeTransition.Auto,
    changes: [{ type, nodeId: member.id }],
    context: encodeChangeContext(null, [member]),
  });
  return { index: at + 1, term: 1, type: EntryType.ConfChangeV2, data };
}

async function load(
  content: WalContent,
  log: DurableLog,
  snapshots: SnapshotStore,
  directory: string,
): Promise<Loaded> {
  const snapshot = await newestSnapshot(content, snapshots, directory);
  const start = snapshot?.metadata.index ?? 0;
  const memory = new MemberLog();
  if (snapshot) memory.applySnapshot(snapshot);
  const entries = content.entries.slice(start - content.base);
  memory.append(entries);
  const { term, vote, commit } = content.hardState;
  const hardState = { term, vote, commit: Math.max(commit, start) };
  const last = start + entries.length;
  if (hardState.commit > last) {
    const message = `${directory}/log: the commit index is ${commit}, but the log ends at ${last}`;
    throw new RaftError("corrupt", message);
  }
  memory.setHardState(hardState);
  const marks = content.snapshots
    .filter((at) => at.index <= start)
    .sort((a, b) => a.index - b.index);
  return { log, snapshots, memory, hardState, snapshot, marks };
}

/**
 * The newest snapshot that is whole and that the log continues. A damaged one is passed over for
 * the one before only where the log still holds all between: nothing acknowledged is lost by that.
 */
async function newestSnapshot(
  content: WalContent,
  snapshots: SnapshotStore,
  directory: string,
): Promise<Snapshot | null> {
  const marked = [...content.snapshots].sort((a, b) => b.index - a.index);
  let damage: unknown = null;
  for (const at of marked) {
    if (at.index < content.base) break;
    try {
      await snapshots.verify(at);
      return await snapshots.head(at);
    } catch (error) {
      if (RaftError.is(error) && error.code === "wrong-cluster") throw error;
      damage ??= error;
    }
  }
  if (content.base === 0) return null;
  throw new RaftError(
    "corrupt",
    `${directory}: the log begins after index ${content.base} and no snapshot reaches it: ` +
      (damage instanceof Error ? damage.message : "there is none"),
    { cause: damage },
  );
}
