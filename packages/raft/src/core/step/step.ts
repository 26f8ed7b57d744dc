import { entriesSize, payloadSize } from "../log/entry.js";
import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import { appliedSnapshot, appliedTo } from "../ready/applied.js";
import { type Message, MessageType, NONE, Role } from "../types.js";
import { stepCandidate } from "./candidate.js";
import { isTransfer } from "./election.js";
import { stepFollower } from "./follower.js";
import { stepLeader } from "./leader.js";
import { hup } from "./tick.js";

/** Handles any message: first its term, then what is the same in every role, then the role. */
export function step(raft: Raft, m: Message): void {
  if (m.term > raft.term) {
    if (!newerTerm(raft, m)) return;
  } else if (m.term !== 0 && m.term < raft.term) {
    olderTerm(raft, m);
    return;
  }
  switch (m.type) {
    case MessageType.Hup:
      hup(raft);
      return;
    case MessageType.StorageAppendResp:
      if (m.index !== 0) raft.log.unstable.stableTo(m.index, m.logTerm);
      if (m.snapshot !== null) appliedSnapshot(raft, m.snapshot);
      return;
    case MessageType.StorageApplyResp:
      storageApplied(raft, m);
      return;
    case MessageType.Vote:
    case MessageType.PreVote:
      answerVote(raft, m);
      return;
    default:
      stepRole(raft, m);
  }
}

function stepRole(raft: Raft, m: Message): void {
  switch (raft.role) {
    case Role.Leader:
      stepLeader(raft, m);
      return;
    case Role.Follower:
      stepFollower(raft, m);
      return;
    default:
      stepCandidate(raft, m);
      return;
  }
}

/** Follows a newer term; false when the message is to be ignored. */
function newerTerm(raft: Raft, m: Message): boolean {
  if (m.type === MessageType.Vote || m.type === MessageType.PreVote) {
    const { checkQuorum, electionTick } = raft.config;
    const heard = checkQuorum && raft.lead !== NONE && raft.electionElapsed < electionTick;
    // While a leader is heard of, nobody may unseat it (paper, end of section 6).
    if ((heard || raft.promisedTicks > 0) && !isTransfer(m.context)) return false;
  }
  // A pre-vote speaks of a term that may never come, and so does its grant.
  if (m.type === MessageType.PreVote) return true;
  if (m.type === MessageType.PreVoteResp && !m.reject) return true;
  const fromLeader =
    m.type === MessageType.App || m.type === MessageType.Heartbeat || m.type === MessageType.Snap;
  raft.becomeFollower(m.term, fromLeader ? m.from : NONE);
  return true;
}

function olderTerm(raft: Raft, m: Message): void {
  const { checkQuorum, preVote } = raft.config;
  const fromLeader = m.type === MessageType.Heartbeat || m.type === MessageType.App;
  if (fromLeader && (checkQuorum || preVote)) {
    // With these options this member's vote requests may be ignored, so that a deposed leader
    // (or this member, alone at a higher term) would never catch up: tell it the term.
    raft.send(draft(MessageType.AppResp, m.from));
  } else if (m.type === MessageType.PreVote) {
    // A candidate with a higher term but a shorter log may come from before pre-vote was on;
    // dropping this could leave both waiting for ever.
    const response = draft(MessageType.PreVoteResp, m.from);
    response.term = raft.term;
    response.reject = true;
    raft.send(response);
  } else if (m.type === MessageType.StorageAppendResp && m.snapshot !== null) {
    // Entries written under an older term may have been replaced since, so their
    // acknowledgement is void; a snapshot is committed state whatever the term.
    appliedSnapshot(raft, m.snapshot);
  }
}

function storageApplied(raft: Raft, m: Message): void {
  const last = m.entries[m.entries.length - 1];
  if (last === undefined) return;
  appliedTo(raft, last.index, entriesSize(m.entries));
  raft.reduceUncommittedSize(payloadSize(m.entries));
}

/**
 * True when this member should lead rather than the candidate, whose log is known to be complete.
 * Whoever refuses for this must itself be able to win: not a learner, and not with a log that ends
 * in an older term, even if it is longer. So of the most complete members the one of the highest
 * priority is refused by none of the others.
 */
function outranks(raft: Raft, { index, logTerm, priority, context }: Message): boolean {
  if (raft.priority <= priority || !raft.promotable || isTransfer(context)) return false;
  return index === raft.log.lastIndex() && logTerm === raft.log.lastTerm();
}

/**
 * Grants or refuses a vote. Learners vote as well: one may have been promoted without knowing it
 * yet, and its vote may be the one that is needed.
 */
function answerVote(raft: Raft, m: Message): void {
  const isPreVote = m.type === MessageType.PreVote;
  const canVote =
    raft.vote === m.from ||
    (raft.vote === NONE && raft.lead === NONE) ||
    (isPreVote && m.term > raft.term);
  const response = draft(isPreVote ? MessageType.PreVoteResp : MessageType.VoteResp, m.from);
  if (canVote && raft.log.isUpToDate(m.index, m.logTerm) && !outranks(raft, m)) {
    // The term asked about, which a pre-candidate does not have yet.
    response.term = m.term;
    raft.send(response);
    if (isPreVote) return;
    raft.electionElapsed = 0;
    raft.vote = m.from;
  } else {
    response.term = raft.term;
    response.reject = true;
    raft.send(response);
  }
}
