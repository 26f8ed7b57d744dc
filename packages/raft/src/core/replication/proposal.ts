import { decodeConfChange } from "../conf-change/codec.js";
import { RaftError } from "../errors.js";
import { fail } from "../invariant.js";
import { REFUSED_DATA } from "../log/entry.js";
import type { Raft } from "../raft.js";
import { type Entry, EntryType, NONE } from "../types.js";
import { broadcastAppend } from "./send.js";

function drop(why: string): never {
  throw new RaftError("proposal-dropped", `proposal dropped: ${why}`);
}

/** Appends proposed entries to the leader's log and replicates them. Throws `proposal-dropped`. */
export function proposeAsLeader(raft: Raft, entries: readonly Entry[]): void {
  if (entries.length === 0) fail("an empty proposal");
  if (raft.tracker.get(raft.id) === undefined) drop("this member was removed");
  if (raft.leadTransferee !== NONE) drop("leadership is being transferred");
  const checked = checkConfChanges(raft, entries);
  if (!raft.appendEntries(checked)) drop("too much data is uncommitted");
  broadcastAppend(raft);
}

/**
 * One configuration change at a time: one that comes too early or does not fit the active
 * configuration is replaced by an empty entry, so that its proposer sees it committed to nothing.
 * Throws `invalid-config` for one that cannot be read, before anything has changed.
 */
function checkConfChanges(raft: Raft, entries: readonly Entry[]): readonly Entry[] {
  let checked: Entry[] | null = null;
  let pendingConfIndex = raft.pendingConfIndex;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.type === EntryType.Normal) continue;
    const leaves = decodeConfChange(entry.data, entry.type).changes.length === 0;
    const fits = pendingConfIndex <= raft.log.applied && raft.tracker.joint === leaves;
    if (fits || raft.config.disableConfChangeValidation) {
      pendingConfIndex = raft.log.lastIndex() + i + 1;
    } else {
      checked ??= [...entries];
      checked[i] = { term: 0, index: 0, type: EntryType.Normal, data: REFUSED_DATA };
    }
  }
  raft.pendingConfIndex = pendingConfIndex;
  return checked ?? entries;
}
