import { NO_ENTRIES } from "./log/entry.js";
import {
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  MessageType,
  NONE,
  type NodeId,
} from "./types.js";

/** A message that is still being written. */
export type MessageDraft = { -readonly [K in keyof Message]: Message[K] };

const NO_RESPONSES: readonly Message[] = Object.freeze([]);

/** A message with every other field absent. All messages are made here, so that they share one shape. */
export function draft(type: MessageType, to: NodeId): MessageDraft {
  return {
    type,
    to,
    from: NONE,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: NO_ENTRIES,
    commit: 0,
    vote: NONE,
    snapshot: null,
    reject: false,
    rejectHint: 0,
    context: null,
    priority: 0,
    responses: NO_RESPONSES,
  };
}

/** The fields of a message that say nothing; to be spread into one that a codec decodes. */
export const emptyMessage: Message = Object.freeze(draft(MessageType.Hup, NONE));

/**
 * A message with the given fields and the others absent (0, false, null or empty).
 *
 * @example
 * ```ts
 * node.step(createMessage({ type: MessageType.Heartbeat, from: 1, to: 2, term: 3 }));
 * ```
 */
export function createMessage(fields: Partial<Message> & Pick<Message, "type">): Message {
  return Object.assign(draft(fields.type, NONE), fields);
}

/** True for messages that never cross the network. */
export function isLocalMessage(type: MessageType): boolean {
  switch (type) {
    case MessageType.Hup:
    case MessageType.Beat:
    case MessageType.Unreachable:
    case MessageType.SnapStatus:
    case MessageType.CheckQuorum:
    case MessageType.StorageAppend:
    case MessageType.StorageAppendResp:
    case MessageType.StorageApply:
    case MessageType.StorageApplyResp:
      return true;
    default:
      return false;
  }
}

/** True for answers, which only a member that is tracked may give. */
export function isResponseMessage(type: MessageType): boolean {
  switch (type) {
    case MessageType.AppResp:
    case MessageType.VoteResp:
    case MessageType.HeartbeatResp:
    case MessageType.Unreachable:
    case MessageType.ReadIndexResp:
    case MessageType.PreVoteResp:
    case MessageType.StorageAppendResp:
    case MessageType.StorageApplyResp:
      return true;
    default:
      return false;
  }
}

/** True for what the storage threads answer. */
export function isStorageResponse(type: MessageType): boolean {
  return type === MessageType.StorageAppendResp || type === MessageType.StorageApplyResp;
}

/** True for the addresses of the storage threads (see `Config.asyncStorageWrites`). */
export function isLocalTarget(id: NodeId): boolean {
  return id === LOCAL_APPEND_THREAD || id === LOCAL_APPLY_THREAD;
}
