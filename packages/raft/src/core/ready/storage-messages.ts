import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import {
  type Entry,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  MessageType,
  type Snapshot,
} from "../types.js";

/** What a Ready asks to be made durable. */
export interface AppendWork {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | null;
  readonly snapshot: Snapshot | null;
}

/** True when there is something to write, or messages wait for what was handed out before. */
export function needsStorageAppend(raft: Raft, work: AppendWork): boolean {
  return (
    work.entries.length > 0 ||
    work.hardState !== null ||
    work.snapshot !== null ||
    raft.messagesAfterAppend.length > 0
  );
}

/** The order to the append thread; its responses are to be delivered once all is durable. */
export function storageAppend(raft: Raft, work: AppendWork): Message {
  const message = draft(MessageType.StorageAppend, LOCAL_APPEND_THREAD);
  message.from = raft.id;
  message.entries = work.entries;
  message.snapshot = work.snapshot;
  if (work.hardState !== null) {
    message.term = work.hardState.term;
    message.vote = work.hardState.vote;
    message.commit = work.hardState.commit;
  }
  // The acknowledgement of the write comes last: what the leader's own AppResp asks the log is
  // then still answered from memory.
  message.responses = needsStorageAppendResponse(raft, work)
    ? [...raft.messagesAfterAppend, storageAppendResponse(raft, work)]
    : raft.messagesAfterAppend;
  return message;
}

/** True while there are unstable entries, whether or not this work holds any. */
export function needsStorageAppendResponse(raft: Raft, work: AppendWork): boolean {
  return raft.log.unstable.length > 0 || work.snapshot !== null;
}

/**
 * Acknowledges that the log is durable as it stands now. It carries the current term and is void
 * in a later one: a newer leader may by then have replaced entries that are still on their way to
 * the disk, even by equal ones (A, then B, then A again), so that "durable" would be told too
 * early. Every such change of term brings a new write, whose acknowledgement speaks for all of the
 * log; that is why it names the last entry even when the work holds none.
 */
export function storageAppendResponse(raft: Raft, work: AppendWork): Message {
  const message = draft(MessageType.StorageAppendResp, raft.id);
  message.from = LOCAL_APPEND_THREAD;
  message.term = raft.term;
  if (raft.log.unstable.length > 0) {
    message.index = raft.log.lastIndex();
    message.logTerm = raft.log.lastTerm();
  }
  message.snapshot = work.snapshot;
  return message;
}

/** The order to the apply thread. Committed entries belong to no term. */
export function storageApply(raft: Raft, entries: readonly Entry[]): Message {
  const message = draft(MessageType.StorageApply, LOCAL_APPLY_THREAD);
  message.from = raft.id;
  message.entries = entries;
  message.responses = [storageApplyResponse(raft, entries)];
  return message;
}

export function storageApplyResponse(raft: Raft, entries: readonly Entry[]): Message {
  const message = draft(MessageType.StorageApplyResp, raft.id);
  message.from = LOCAL_APPLY_THREAD;
  message.entries = entries;
  return message;
}
