import {
  ConfChangeTransition,
  ConfChangeType,
  type ConfState,
  type Entry,
  EntryType,
  encodeConfChange,
} from "../../src/index.js";
import { encodeMembers } from "../../src/node/group/members.js";
import { encodeChangeContext } from "../../src/node/group/membership.js";
import { wrapCommand } from "../../src/node/group/proposals.js";
import { type Disk, SnapshotStore, Wal } from "../../src/node/index.js";
import { member } from "./helpers.js";

export const IDENTITY = { clusterId: "recorded", id: 1 } as const;
export const SEGMENT_BYTES = 4096;

/** Commands of the entries that {@link recordFolder} writes: that of index `i` is `text(i)`. */
export function command(index: number): string {
  return `word ${index} ${"x".repeat((index * 37) % 400)}`;
}

export function normal(index: number, term = 2): Entry {
  const id = { origin: 1, epoch: 7, sequence: index };
  const data = wrapCommand(id, Buffer.from(command(index)));
  return { index, term, type: EntryType.Normal, data };
}

export function changeEntry(index: number, type: ConfChangeType, id: number, term = 2): Entry {
  const data = encodeConfChange({
    transition: ConfChangeTransition.Auto,
    changes: [{ type, nodeId: id }],
    context: encodeChangeContext(null, [member(id, `host-${id}:2380`)]),
  });
  return { index, term, type: EntryType.ConfChangeV2, data };
}

/** Voters 1, 2, 3 become 2, 4 with 3 as a learner, in two steps of which this is the first. */
export function jointChange(index: number, term = 2): Entry {
  const data = encodeConfChange({
    transition: ConfChangeTransition.JointImplicit,
    changes: [
      { type: ConfChangeType.RemoveNode, nodeId: 1 },
      { type: ConfChangeType.AddLearnerNode, nodeId: 3 },
      { type: ConfChangeType.AddNode, nodeId: 4 },
    ],
    context: encodeChangeContext(null, [member(3), member(4)]),
  });
  return { index, term, type: EntryType.ConfChangeV2, data };
}

export function confState(voters: number[], learners: number[] = []): ConfState {
  return { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** The state at an index, as a machine of words would give it. */
async function* state(index: number): AsyncGenerator<Uint8Array> {
  const words = Array.from({ length: Math.max(0, index - 3) }, (_, at) => command(at + 4));
  yield Buffer.from(JSON.stringify(words));
}

/**
 * A member's folder as a run leaves it: members 1 to 3, 60 entries in small segments, snapshots at 20
 * and 40, the log from the first of them on, the last two entries not known to be committed.
 */
export async function recordFolder(disk: Disk, directory: string): Promise<void> {
  await disk.makeDirectory(directory);
  const snapshots = await SnapshotStore.open(disk, `${directory}/snapshots`, IDENTITY.clusterId);
  const { wal } = await Wal.open({
    disk,
    directory: `${directory}/log`,
    ...IDENTITY,
    segmentBytes: SEGMENT_BYTES,
  });
  const first = [1, 2, 3].map((id) => changeEntry(id, ConfChangeType.AddNode, id, 1));
  await wal.append({ entries: first, hardState: { term: 1, vote: 0, commit: 3 }, sync: true });
  for (let index = 4; index <= 60; index++) {
    const hardState = { term: 2, vote: 1, commit: Math.max(3, index - 2) };
    await wal.append({ entries: [normal(index)], hardState, sync: true });
    if (index % 20 !== 2 || index < 20) continue;
    const at = { index: index - 2, term: 2 };
    const data = encodeMembers([1, 2, 3].map((id) => member(id, `host-${id}:2380`)));
    const metadata = { ...at, confState: confState([1, 2, 3]) };
    await snapshots.write({ metadata, data }, state(at.index));
    await wal.append({ snapshot: at, sync: true });
    if (index > 40) await wal.release(20);
  }
  await wal.close();
}
