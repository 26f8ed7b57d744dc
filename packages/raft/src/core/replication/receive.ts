import { restoreSnapshot } from "../conf-change/membership.js";
import { fail } from "../invariant.js";
import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import { type Message, MessageType } from "../types.js";

/** Answers a leader's append: acknowledged up to an index, or refused with a hint (paper, 5.3). */
export function handleAppend(raft: Raft, m: Message): void {
  const response = draft(MessageType.AppResp, m.from);
  if (m.index < raft.log.committed) {
    response.index = raft.log.committed;
    raft.send(response);
    return;
  }
  const last = raft.log.maybeAppend(m.index, m.logTerm, m.entries, m.commit);
  if (last >= 0) {
    response.index = last;
    raft.send(response);
    return;
  }
  // The best guess at where the logs part skips everything whose term the leader cannot have,
  // so that there is at most one probe for each term.
  const known = Math.min(m.index, raft.log.lastIndex());
  const [hint, hintTerm] = raft.log.findConflictByTerm(known, m.logTerm);
  response.index = m.index;
  response.reject = true;
  response.rejectHint = hint;
  response.logTerm = hintTerm;
  raft.send(response);
}

/** Takes over the leader's commit index and answers with the token of its reads. */
export function handleHeartbeat(raft: Raft, m: Message): void {
  raft.log.commitTo(m.commit);
  const response = draft(MessageType.HeartbeatResp, m.from);
  response.context = m.context;
  raft.send(response);
}

export function handleSnapshot(raft: Raft, m: Message): void {
  if (m.snapshot === null) fail("a snapshot message without a snapshot");
  const response = draft(MessageType.AppResp, m.from);
  const restored = restoreSnapshot(raft, m.snapshot);
  response.index = restored ? raft.log.lastIndex() : raft.log.committed;
  raft.send(response);
}
