import { RaftError } from "../errors.js";
import { type Entry, EntryType, type Message, MessageType } from "../types.js";

/**
 * The greatest term or index that is taken from others. A group that counts from 0 never gets
 * there, and whoever does can still count on without losing precision.
 */
export const MAX_COUNT: number = 2 ** 52;

function refuse({ type, from }: Message, why: string): never {
  throw new RaftError("invalid-message", `message ${type} from ${from} ${why}`);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= MAX_COUNT;
}

/**
 * Refuses what no member that follows the protocol sends, before it can do harm: numbers out of
 * range, entries out of order, parts that are missing. Throws `invalid-message`.
 */
export function checkMessage(m: Message, self: number): void {
  const { type } = m;
  if (!isCount(type) || type > MessageType.ForgetLeader) refuse(m, "has an unknown type");
  if (!Number.isSafeInteger(m.from) || m.from < 0) refuse(m, "has no sender");
  if (!isCount(m.term) || !isCount(m.index)) refuse(m, `has term ${m.term}, index ${m.index}`);
  if (!isCount(m.logTerm) || !isCount(m.commit) || !isCount(m.rejectHint)) {
    refuse(m, `has log term ${m.logTerm}, commit ${m.commit}, hint ${m.rejectHint}`);
  }
  if (m.term === 0 && !mayLackTerm(m)) refuse(m, "has no term");
  if (m.from === self && !maySendItself(m)) refuse(m, "claims to come from this member");
  switch (type) {
    case MessageType.App:
      checkEntries(m);
      return;
    case MessageType.Prop:
      if (m.entries.length === 0) refuse(m, "proposes nothing");
      for (const entry of m.entries) checkType(m, entry);
      return;
    case MessageType.Snap:
      checkSnapshot(m);
      return;
    default:
  }
}

/** A member's answers to itself go through its log: its vote, and what it has appended. */
function maySendItself({ type, reject }: Message): boolean {
  switch (type) {
    case MessageType.App:
    case MessageType.Heartbeat:
    case MessageType.HeartbeatResp:
      return false;
    case MessageType.AppResp:
      return !reject;
    default:
      return true;
  }
}

/**
 * Proposals and reads are forwarded as they came, which is without a term; a snapshot is committed
 * state whatever the term; and a member that knows of no term can refuse a vote.
 */
function mayLackTerm({ type, reject }: Message): boolean {
  switch (type) {
    case MessageType.Prop:
    case MessageType.ReadIndex:
    case MessageType.Snap:
      return true;
    case MessageType.VoteResp:
    case MessageType.PreVoteResp:
      return reject;
    default:
      return false;
  }
}

/** Entries follow each other from the one they are appended to, and no term is from the future. */
function checkEntries(m: Message): void {
  let { index, logTerm } = m;
  for (const entry of m.entries) {
    checkType(m, entry);
    if (entry.index !== ++index) refuse(m, `has entry ${entry.index} in the place of ${index}`);
    if (!isCount(entry.term) || entry.term < logTerm || entry.term > m.term) {
      refuse(m, `has entry ${index} of term ${entry.term} after one of ${logTerm}`);
    }
    logTerm = entry.term;
  }
}

function checkType(m: Message, { type }: Entry): void {
  if (!isCount(type) || type > EntryType.ConfChangeV2) {
    refuse(m, `has an entry of the unknown type ${type}`);
  }
}

function checkSnapshot(m: Message): void {
  if (m.snapshot === null) refuse(m, "holds no snapshot");
  const { index, term } = m.snapshot.metadata;
  if (!isCount(index) || !isCount(term) || (m.term > 0 && term > m.term)) {
    refuse(m, `holds a snapshot of index ${index}, term ${term}`);
  }
}
