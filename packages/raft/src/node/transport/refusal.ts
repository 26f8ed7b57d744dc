import {
  createMessage,
  decodeConfChange,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  RaftError,
} from "../../index.js";
import { decodeChangeContext } from "../group/membership.js";
import { type ProposalId, unwrapCommand, wrapCommand } from "../group/proposals.js";

const NO_COMMAND = new Uint8Array(0);

/** Who waits for a proposed entry. */
export function idOf(entry: Entry): ProposalId {
  if (entry.type === EntryType.Normal) return unwrapCommand(entry.data, entry.index).id;
  const { id } = decodeChangeContext(decodeConfChange(entry.data, entry.type).context);
  if (id) return id;
  throw new RaftError("corrupt", "a membership change was proposed by nobody");
}

/*
 * A refusal is a rejected Prop: an entry without a command for each proposal that was refused, and
 * the reason, as text, in `context`. It is the drivers' own; the core never sees it.
 */

/** Tells `to` that proposals which it forwarded were not appended and will not be. */
export function refusalOf(
  from: NodeId,
  to: NodeId,
  ids: readonly ProposalId[],
  why: string,
): Message {
  const entries = ids.map((id): Entry => {
    return { term: 0, index: 0, type: EntryType.Normal, data: wrapCommand(id, NO_COMMAND) };
  });
  const context = Buffer.from(why);
  return createMessage({ type: MessageType.Prop, from, to, reject: true, entries, context });
}

export function refusedIn({ entries, context }: Message): { ids: ProposalId[]; why: string } {
  return { ids: entries.map(idOf), why: Buffer.from(context ?? NO_COMMAND).toString() };
}
